namespace Backhaul.Node.Ops;

/// <summary>What an operator may do; each role may also do what the ones before it may.</summary>
internal enum OperatorRole
{
    /// <summary>Look.</summary>
    Viewer = 1,

    /// <summary>Act on sessions and tasks.</summary>
    Operator = 2,

    /// <summary>Act on the node.</summary>
    Admin = 3,
}

/// <summary>Who sent a request to the operator's edge. <see cref="Name"/> goes to the audit log and is never the key itself.</summary>
internal sealed record OperatorIdentity(string Name, OperatorRole Role)
{
    /// <summary>Whoever can open a loopback connection on this machine.</summary>
    public static OperatorIdentity Local { get; } = new("loopback", OperatorRole.Admin);
}

/// <summary>The keys of operators, as configured.</summary>
internal interface IOperatorKeys
{
    /// <summary>True when at least one key has an operator's role.</summary>
    bool Any { get; }

    /// <summary>Who a presented key belongs to; null when it is unknown or no operator's.</summary>
    OperatorIdentity? Find(string presented);
}
