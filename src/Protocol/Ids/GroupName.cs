using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Protocol;

/// <summary>The name of a group or a completion group in its session: 1 to 64 of letters, digits and <c>. _ ~ : -</c>.</summary>
public readonly record struct GroupName
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule = "The name of a group has 1 to 64 characters, each a letter, a digit or one of . _ ~ : - (and is not . or ..).";

    private readonly string? _text;

    private GroupName(string text) => _text = text;

    /// <summary>Reads a name; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out GroupName name)
    {
        var valid = text is not null && IdRules.IsIdentifier(text, 64);
        name = valid ? new GroupName(text!) : default;
        return valid;
    }

    /// <summary>Reads a name, or throws with the <see cref="Rule"/>.</summary>
    public static GroupName Parse(string text) => TryParse(text, out var name) ? name : throw new FormatException(Rule);

    /// <inheritdoc/>
    public override string ToString() => _text ?? "";
}
