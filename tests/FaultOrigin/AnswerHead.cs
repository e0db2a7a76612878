namespace Backhaul.FaultOrigin;

/// <summary>Status and headers of an answer, before anything carries them.</summary>
internal sealed class AnswerHead(int status)
{
    private readonly List<(string Name, string Value)> _headers = [];

    public int Status { get; set; } = status;

    public IReadOnlyList<(string Name, string Value)> Headers => _headers;

    /// <summary>No length and no chunks: the body ends with its connection. HTTP/2 has no such thing and ends the stream.</summary>
    public bool EndsWithConnection { get; set; }

    public bool IsChunked => _headers.Exists(header => header.Name == "Transfer-Encoding");

    public void Add(string name, string value) => _headers.Add((name, value));

    public void Remove(string name) => _headers.RemoveAll(header => header.Name == name);
}
