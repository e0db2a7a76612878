namespace Backhaul.Node.Egress;

/// <summary>One challenge of a <c>WWW-Authenticate</c> or <c>Proxy-Authenticate</c> header: a scheme with its parameters, or with one opaque token.</summary>
internal sealed record Challenge
{
    /// <summary>Lower case.</summary>
    public required string Scheme { get; init; }

    /// <summary>The token of schemes that have no parameters.</summary>
    public string? Token { get; init; }

    /// <summary>By name, whatever its case; the first of a repeated one.</summary>
    public required IReadOnlyDictionary<string, string> Parameters { get; init; }

    public string? Realm => Parameters.GetValueOrDefault("realm");
}
