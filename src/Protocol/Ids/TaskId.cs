using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Protocol;

/// <summary>
/// A task's name in its session: 1 to 64 of letters, digits and <c>. _ ~ : -</c>. Names of the form <c>t</c> followed by digits
/// only are given out by the node and cannot be chosen.
/// </summary>
public readonly record struct TaskId
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule =
        "A task id has 1 to 64 characters, each a letter, a digit or one of . _ ~ : - (and is not . or ..); "
        + "ids that are t followed by digits only are given out by the node.";

    private readonly string? _text;

    private TaskId(string text) => _text = text;

    /// <summary>The id that the node gives to the task with this ordinal.</summary>
    public static TaskId FromOrdinal(long ordinal)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ordinal);
        return new TaskId("t" + ordinal.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Reads an id of either form; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TaskId id)
    {
        var valid = text is not null && IdRules.IsIdentifier(text, 64);
        id = valid ? new TaskId(text!) : default;
        return valid;
    }

    /// <summary>Reads an id, or throws with the <see cref="Rule"/>.</summary>
    public static TaskId Parse(string text) => TryParse(text, out var id) ? id : throw new FormatException(Rule);

    /// <summary>True for ids that only the node gives out.</summary>
    public bool IsGiven => _text is ['t', _, ..] && !_text.AsSpan(1).ContainsAnyExceptInRange('0', '9');

    /// <inheritdoc/>
    public override string ToString() => _text ?? "";
}
