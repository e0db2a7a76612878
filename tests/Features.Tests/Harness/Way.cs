namespace Backhaul.Features.Tests;

/// <summary>How a feature is asked for: of one node with its embedded journal or of a cluster of three, by HTTP or by the SDK.</summary>
public enum Way
{
    EmbeddedHttp = 1,
    EmbeddedSdk = 2,
    ClusterHttp = 3,
    ClusterSdk = 4,
}

/// <summary>Each feature is proven these four ways.</summary>
public sealed class Ways : TheoryData<Way>
{
    public Ways() => AddRange(Enum.GetValues<Way>());
}
