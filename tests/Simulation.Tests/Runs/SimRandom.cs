using Backhaul.Node.Actors;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>One stream of randomness; streams of one seed are independent, so that a change in one place moves nothing in another.</summary>
internal sealed class SimRandom : IRandom, IIdSource
{
    private readonly Random _random;

    public SimRandom(long seed, string stream) => _random = new Random(Mix(seed, stream));

    public double NextUnit() => _random.NextDouble();

    public int Next(int below) => _random.Next(below);

    public int Between(int least, int most) => _random.Next(least, most + 1);

    public bool Chance(double probability) => probability > 0 && _random.NextDouble() < probability;

    public T Pick<T>(IReadOnlyList<T> among) => among[_random.Next(among.Count)];

    public TimeSpan Milliseconds(double least, double most) => TimeSpan.FromTicks((long)((least + (_random.NextDouble() * (most - least))) * TimeSpan.TicksPerMillisecond));

    public TimeSpan Seconds(double least, double most) => Milliseconds(least * 1000, most * 1000);

    public Guid Next()
    {
        Span<byte> bytes = stackalloc byte[16];
        _random.NextBytes(bytes);
        return new Guid(bytes);
    }

    /// <summary>The same in every process, as string.GetHashCode is not.</summary>
    internal static int Mix(long seed, string stream)
    {
        var hash = 14695981039346656037UL;
        foreach (var character in stream)
            hash = (hash ^ character) * 1099511628211UL;
        hash ^= (ulong)seed * 0x9E3779B97F4A7C15UL;
        hash ^= hash >> 31;
        hash *= 0xBF58476D1CE4E5B9UL;
        return (int)((hash ^ (hash >> 29)) & int.MaxValue);
    }
}
