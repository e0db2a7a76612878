namespace Backhaul.FaultOrigin;

/// <summary>One request as the origin saw it: the oracle of tests.</summary>
public sealed class OriginRequest
{
    private long _bytesSent;

    /// <summary>1 for the first request that this origin read.</summary>
    public required int Number { get; init; }

    /// <summary>1 for the first request of this path and query, which is what <c>times</c> counts.</summary>
    public required int Nth { get; init; }

    /// <summary>1 for the first connection.</summary>
    public required int Connection { get; init; }

    /// <summary>1 for the first request of its connection.</summary>
    public required int NthOnConnection { get; init; }

    /// <summary><c>1.1</c> or <c>2</c>.</summary>
    public required string Http { get; init; }

    /// <summary>When its head was read, since the start of the origin.</summary>
    public required TimeSpan At { get; init; }
    public required string Method { get; init; }

    /// <summary>Without the query.</summary>
    public required string Path { get; init; }

    /// <summary>Without the question mark.</summary>
    public required string Query { get; init; }

    /// <summary>Values of a repeated header are joined by a comma and a space.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    public string? Range => Headers.GetValueOrDefault("Range");
    public string? IfNoneMatch => Headers.GetValueOrDefault("If-None-Match");
    public string? IfModifiedSince => Headers.GetValueOrDefault("If-Modified-Since");
    public string? IfRange => Headers.GetValueOrDefault("If-Range");

    /// <summary>The status that was sent, 0 before.</summary>
    public int Status { get; internal set; }

    /// <summary>Body bytes given to the socket.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>Body bytes that came in.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>SHA-256 of the body that came in, in lower-case hex; null when there was none or it did not end.</summary>
    public string? BodySha256 { get; internal set; }

    /// <summary>The answer is over, whole or broken off.</summary>
    public bool IsOver { get; internal set; }

    internal void Sent(int count) => Interlocked.Add(ref _bytesSent, count);
}
