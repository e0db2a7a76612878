namespace Backhaul.Node.Actors;

/// <summary>Randomness from outside, so that a seed can own it.</summary>
internal interface IRandom
{
    /// <summary>Uniform in [0, 1).</summary>
    double NextUnit();
}

/// <summary>Ids from outside, so that a seed can own them.</summary>
internal interface IIdSource
{
    /// <summary>A new id, unique for ever.</summary>
    Guid Next();
}
