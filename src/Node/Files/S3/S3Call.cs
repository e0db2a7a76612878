namespace Backhaul.Node.Files.S3;

/// <summary>One request to a bucket.</summary>
/// <param name="Method">GET, HEAD, PUT, POST or DELETE.</param>
/// <param name="Key">The object's key; empty for the bucket itself.</param>
internal sealed record S3Call(HttpMethod Method, string Key)
{
    public IReadOnlyList<(string Name, string Value)> Query { get; init; } = [];

    /// <summary>Signed with the request.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>Sent as it is; it must not change before the call returns, since a repetition sends it again.</summary>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>For whom it changes something: who lost the task meanwhile sends it not once more. Null where nobody has to be asked.</summary>
    public PartOwner? Owner { get; init; }

    /// <summary>GET: from this byte to the end of the object.</summary>
    public long? RangeFrom { get; init; }

    /// <summary>The answer's body is handed over unread; the caller disposes the reply.</summary>
    public bool StreamsBody { get; init; }
}
