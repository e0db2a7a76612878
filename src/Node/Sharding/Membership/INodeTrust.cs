namespace Backhaul.Node.Sharding.Membership;

/// <summary>
/// Whether this node may act at all in this moment: asked before every commit and every chunk, so it reads a clock and nothing else.
/// </summary>
internal interface INodeTrust
{
    bool IsTrusted { get; }
}

/// <summary>One embedded node owns its file for as long as it lives.</summary>
internal sealed class AlwaysTrusted : INodeTrust
{
    public bool IsTrusted => true;
}
