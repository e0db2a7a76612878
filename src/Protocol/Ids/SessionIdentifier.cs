using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Protocol;

/// <summary>A session's name, unique in its tenant: 1 to 128 of letters, digits and <c>. _ ~ : -</c>.</summary>
public readonly record struct SessionIdentifier
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule = "A session identifier has 1 to 128 characters, each a letter, a digit or one of . _ ~ : - (and is not . or ..).";

    private readonly string? _text;

    private SessionIdentifier(string text) => _text = text;

    /// <summary>Reads an identifier; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out SessionIdentifier identifier)
    {
        var valid = text is not null && IdRules.IsIdentifier(text, 128);
        identifier = valid ? new SessionIdentifier(text!) : default;
        return valid;
    }

    /// <summary>Reads an identifier, or throws with the <see cref="Rule"/>.</summary>
    public static SessionIdentifier Parse(string text) => TryParse(text, out var identifier) ? identifier : throw new FormatException(Rule);

    /// <inheritdoc/>
    public override string ToString() => _text ?? "";
}
