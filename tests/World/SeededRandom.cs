using Backhaul.Node.Actors;

namespace Backhaul.World;

/// <summary>Randomness and ids that follow from a seed.</summary>
internal sealed class SeededRandom(int seed) : IRandom, IIdSource
{
    private readonly Random _random = new(seed);

    public double NextUnit() => _random.NextDouble();

    public Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        _random.NextBytes(bytes);
        return new Guid(bytes);
    }
}
