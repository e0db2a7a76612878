using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>
/// Who is asking. The edge finds it out once for each request, before anything else looks at it; everything below gets a tenant and
/// nothing more. A request that reaches an endpoint has a caller, or the pipeline is built wrongly.
/// </summary>
internal sealed record Caller(TenantId ActsFor, CallerRole Role)
{
    /// <summary>The caller of a node without keys: everything that reaches it comes from this machine.</summary>
    public static Caller Local { get; } = new(TenantId.Default, CallerRole.Admin);

    /// <summary>The tenant that the request acts for.</summary>
    public static TenantId Tenant(HttpContext context) => Of(context).ActsFor;

    public static Caller Of(HttpContext context) =>
        context.Features.Get<Caller>() ?? throw new InvalidOperationException("The request was not authenticated before its endpoint ran.");

    public static void Set(HttpContext context, Caller caller) => context.Features.Set(caller);
}

/// <summary>What a key may do. Each role may what the ones above it may, on its edge.</summary>
internal enum CallerRole
{
    /// <summary>The client edge, for the key's tenant.</summary>
    Client = 1,

    /// <summary>Reading on the operator edge.</summary>
    Viewer = 2,

    /// <summary>Acting on the operator edge.</summary>
    Operator = 3,

    /// <summary>Everything on the operator edge, and the client edge for the key's tenant.</summary>
    Admin = 4,
}
