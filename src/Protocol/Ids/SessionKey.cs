using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Protocol;

/// <summary>A session anywhere below the HTTP edge: tenant and identifier. Its text form is <c>tenant/identifier</c>.</summary>
/// <param name="Tenant">Who it belongs to.</param>
/// <param name="Identifier">Its name there.</param>
public readonly record struct SessionKey(TenantId Tenant, SessionIdentifier Identifier)
{
    /// <summary>Reads <c>tenant/identifier</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out SessionKey key)
    {
        key = default;
        var slash = text?.IndexOf('/') ?? -1;
        if (slash < 0 || !TenantId.TryParse(text![..slash], out var tenant) || !SessionIdentifier.TryParse(text[(slash + 1)..], out var identifier))
            return false;
        key = new SessionKey(tenant, identifier);
        return true;
    }

    /// <summary>Reads <c>tenant/identifier</c>, or throws.</summary>
    public static SessionKey Parse(string text) =>
        TryParse(text, out var key) ? key : throw new FormatException("A session key reads tenant/identifier.");

    /// <inheritdoc/>
    public override string ToString() => $"{Tenant}/{Identifier}";
}
