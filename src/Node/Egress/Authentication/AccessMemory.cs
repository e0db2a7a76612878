namespace Backhaul.Node.Egress;

/// <summary>
/// What servers accepted: for a secret at an origin, the challenge that it answered and, for Digest, the count under its nonce. With it the
/// next request carries the credential from the start instead of being refused first. Holds names and challenges, no secrets.
/// Bounded: when it is full, the entry that was used longest ago is forgotten and costs one refusal more.
/// </summary>
internal sealed class AccessMemory(int entriesMax = 4096)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<AccessKey, LinkedListNode<(AccessKey Key, AcceptedAccess Access)>> _byKey = [];
    private readonly LinkedList<(AccessKey Key, AcceptedAccess Access)> _byUse = new();

    public AcceptedAccess? Find(AccessKey key)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue(key, out var node))
                return null;
            _byUse.Remove(node);
            _byUse.AddLast(node);
            return node.Value.Access;
        }
    }

    public void Remember(AccessKey key, AcceptedAccess access)
    {
        lock (_lock)
        {
            if (_byKey.Remove(key, out var old))
                _byUse.Remove(old);
            _byKey[key] = _byUse.AddLast((key, access));
            if (_byKey.Count <= entriesMax)
                return;
            _byKey.Remove(_byUse.First!.Value.Key);
            _byUse.RemoveFirst();
        }
    }

    /// <summary>Forgets an entry, unless it was replaced meanwhile.</summary>
    public void Forget(AccessKey key, AcceptedAccess access)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue(key, out var node) || node.Value.Access != access)
                return;
            _byUse.Remove(node);
            _byKey.Remove(key);
        }
    }
}

/// <summary>A secret, by name, at an origin (<c>scheme://host:port</c>).</summary>
internal readonly record struct AccessKey(string Secret, string Origin);

/// <summary>An answered challenge.</summary>
internal sealed record AcceptedAccess(Challenge Challenge, DigestSession? Digest);
