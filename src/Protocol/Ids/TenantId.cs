using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Protocol;

/// <summary>Who a session belongs to; follows from the key of the caller.</summary>
public readonly record struct TenantId
{
    /// <summary>The rule, as a sentence for people.</summary>
    public const string Rule = "A tenant has 1 to 64 characters, each a letter, a digit or one of . _ ~ : - (and is not . or ..).";

    private readonly string? _text;

    private TenantId(string text) => _text = text;

    /// <summary>The tenant of a node that runs without keys.</summary>
    public static TenantId Default { get; } = new("default");

    /// <summary>Reads a tenant; false when it breaks the <see cref="Rule"/>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TenantId tenant)
    {
        var valid = text is not null && IdRules.IsIdentifier(text, 64);
        tenant = valid ? new TenantId(text!) : default;
        return valid;
    }

    /// <summary>Reads a tenant, or throws with the <see cref="Rule"/>.</summary>
    public static TenantId Parse(string text) => TryParse(text, out var tenant) ? tenant : throw new FormatException(Rule);

    /// <inheritdoc/>
    public override string ToString() => _text ?? "";
}
