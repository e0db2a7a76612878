using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Files;

/// <summary>The servers that are downloaded from: what lies there, how fast they are, and when they fail.</summary>
internal sealed class SimOrigin(SimRandom random)
{
    private readonly SortedDictionary<string, Resource> _resources = new(StringComparer.Ordinal);

    /// <summary>How often a request or a block fails.</summary>
    public double Trouble { get; set; }

    /// <summary>How often a content changes under those who read it.</summary>
    public double Changes { get; set; }

    public Resource Ask(string url)
    {
        if (!_resources.TryGetValue(url, out var resource))
        {
            _resources.Add(url, resource = new Resource
            {
                Name = _resources.Count,
                Blocks = random.Chance(0.3) ? random.Between(1, 3) : random.Between(4, 40),
                BlockTime = random.Milliseconds(20, random.Chance(0.2) ? 2000 : 300),
                IsResumable = random.Chance(0.9),
                IsProtected = random.Chance(0.12),
            });
        }
        if (random.Chance(Changes))
            resource.Version++;
        return resource;
    }

    public bool Fails() => random.Chance(Trouble);

    internal sealed class Resource
    {
        /// <summary>Part of its validators: no two resources have the same.</summary>
        public required int Name { get; init; }

        public required int Blocks { get; init; }

        public required TimeSpan BlockTime { get; init; }

        public required bool IsResumable { get; init; }

        /// <summary>It answers 401 to whoever does not name the secret "good".</summary>
        public required bool IsProtected { get; init; }

        public int Version { get; set; } = 1;
    }
}
