using Backhaul.FaultOrigin.Tls;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>
/// One fault and what has to come of it. A trace reads <c>ends / requests</c>:
/// <list type="bullet">
/// <item>ends: of each attempt in order the code that users see, the last one <c>done</c> when the file is there, <c>a|b</c> where the transport decides</item>
/// <item>requests: <c>0</c> asks for the whole file; <c>r</c> asks for exactly the bytes behind the last durable checkpoint, with If-Range (for the
/// whole file when there is none); <c>x20</c> repeats the one before twenty times more</item>
/// </list>
/// </summary>
/// <param name="Name">A name of its own.</param>
/// <param name="Query">What the origin is asked to do wrong; see <c>OriginScript.Words</c>.</param>
/// <param name="First">The trace when the first attempt meets the fault.</param>
/// <param name="Resumed">The trace from the attempt on that continues a part; null is <paramref name="First"/>, continuing.</param>
internal sealed record FaultRow(string Name, string Query, string First, string? Resumed = null)
{
    public long Length { get; init; } = 400_003;

    /// <summary>How far the attempt before the fault came.</summary>
    public long Lead { get; init; } = 200_000;

    /// <summary>What TLS shows to the connections of the fault; null speaks in clear.</summary>
    public TlsFace? Face { get; init; }

    /// <summary>So many handshakes are bad.</summary>
    public int FaceTimes { get; init; } = int.MaxValue;

    /// <summary>The task knows the SHA-256 of what it wants.</summary>
    public bool HasDigest { get; init; }
    public long? MaxBytes { get; init; }
    public bool IsSilence { get; init; }
    public Sabotage Sabotage { get; init; }

    /// <summary>The file is what the origin has after its change; when the fault is met by a resume.</summary>
    public bool IsChanged { get; init; }

    /// <summary>The origin gives no proof by which a part could be continued.</summary>
    public bool IsUnprovable { get; init; }

    /// <summary>The least pause that the origin asked for.</summary>
    public TimeSpan RetryAfter { get; init; }

    /// <summary>Shown by xunit.</summary>
    public override string ToString() => Name;

    public Trace TraceOf(Way way) => Trace.Parse(way == Way.FirstTry ? First : Resumed ?? First.Replace("/ 0", "/ r", StringComparison.Ordinal));

    /// <summary>The seed of its content: a row's ways are strangers to each other.</summary>
    public string Seed(Way way) => $"{Name.ToLowerInvariant().Replace(' ', '-')}.{(int)way}";

    public string QueryFor(Way way)
    {
        var lead = way switch
        {
            Way.AfterResume => $"after=1&lead=cut:{Lead}",
            Way.AfterKill => $"after=1&lead=stall:{Lead}",
            _ => "",
        };
        return Query.Length > 0 && lead.Length > 0 ? $"{Query}&{lead}" : Query + lead;
    }
}
