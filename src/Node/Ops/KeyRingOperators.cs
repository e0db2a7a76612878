using Backhaul.Node.Security;

namespace Backhaul.Node.Ops;

/// <summary>The operators among the node's keys. A name in the audit log is the key's role and tenant: keys have no names of their own.</summary>
internal sealed class KeyRingOperators(KeyRing keys) : IOperatorKeys
{
    public bool Any => keys.HasOperators;

    public OperatorIdentity? Find(string presented)
    {
        if (keys.Find(presented) is not { } caller)
            return null;
        OperatorRole? role = caller.Role switch
        {
            CallerRole.Viewer => OperatorRole.Viewer,
            CallerRole.Operator => OperatorRole.Operator,
            CallerRole.Admin => OperatorRole.Admin,
            _ => null,
        };
        return role is { } known ? new OperatorIdentity($"{known.ToString().ToLowerInvariant()} of {caller.ActsFor}", known) : null;
    }
}
