using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Protocol;

/// <summary>The name of a place where files live: 1 to 64 of lower-case letters, digits and <c>-</c>, starting with a letter.</summary>
public readonly record struct ContainerName
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule = "A container name has 1 to 64 characters: lower-case letters, digits and -, the first a letter.";

    private readonly string? _text;

    private ContainerName(string text) => _text = text;

    /// <summary>The container that always exists.</summary>
    public static ContainerName Default { get; } = new("default");

    /// <summary>Reads a name; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ContainerName name)
    {
        var valid = text is { Length: > 0 and <= 64 } && char.IsAsciiLetterLower(text[0]);
        foreach (var c in text ?? "")
            valid &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
        name = !valid ? default : text == Default._text ? Default : new ContainerName(text!); // the usual one shares its text
        return valid;
    }

    /// <summary>Reads a name, or throws with the <see cref="Rule"/>.</summary>
    public static ContainerName Parse(string text) => TryParse(text, out var name) ? name : throw new FormatException(Rule);

    /// <inheritdoc/>
    public override string ToString() => _text ?? "";
}
