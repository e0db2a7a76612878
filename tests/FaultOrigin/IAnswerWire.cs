namespace Backhaul.FaultOrigin;

/// <summary>One answer on its way to a client, whatever carries it: HTTP/1.1, or a stream of HTTP/2.</summary>
internal interface IAnswerWire
{
    ValueTask SendHeadAsync(AnswerHead head, CancellationToken stop);

    ValueTask SendBodyAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop);

    /// <summary>The answer is whole.</summary>
    ValueTask EndAsync(CancellationToken stop);

    /// <summary>Bytes that are not HTTP, or not at this place.</summary>
    ValueTask SendRawAsync(ReadOnlyMemory<byte> bytes, CancellationToken stop);

    /// <summary>Falls silent until the peer leaves or the origin stops.</summary>
    ValueTask HangAsync(CancellationToken stop);

    /// <summary>The connection is closed when this answer is over.</summary>
    void Close();

    /// <summary>HTTP/1.1 resets the connection, HTTP/2 the stream with <paramref name="code"/>.</summary>
    ValueTask ResetAsync(int code, CancellationToken stop);

    /// <summary>HTTP/2 says that it takes no more streams, and with <paramref name="refuses"/> that it did not take this one. Nothing in HTTP/1.1.</summary>
    ValueTask GoAwayAsync(bool refuses, CancellationToken stop);
}
