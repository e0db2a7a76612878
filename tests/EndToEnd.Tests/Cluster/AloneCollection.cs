using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>Tests that measure times of the product run while no other test takes its processors.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
