namespace Backhaul.Node.Actors;

#pragma warning disable RS0030 // the two sources that the rest of the node is given instead of the banned symbols

/// <summary>Randomness of the operating system's seed.</summary>
internal sealed class SystemRandom : IRandom
{
    public double NextUnit() => Random.Shared.NextDouble();
}

/// <summary>Version 7 UUIDs: unique, and roughly in the order of their making.</summary>
internal sealed class Version7Ids(TimeProvider time) : IIdSource
{
    public Guid Next() => Guid.CreateVersion7(time.GetUtcNow());
}

#pragma warning restore RS0030
