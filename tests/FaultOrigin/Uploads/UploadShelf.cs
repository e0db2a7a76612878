using System.Collections.Concurrent;
using System.Globalization;

namespace Backhaul.FaultOrigin.Uploads;

/// <summary>The uploads of a target, and how often each verb was said for each URL.</summary>
public sealed class UploadShelf
{
    private readonly ConcurrentDictionary<string, TargetUpload> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<TargetUpload> _all = new();
    private readonly ConcurrentDictionary<string, int> _said = new(StringComparer.Ordinal);
    private int _count;

    /// <summary>In the order of their creation, the forgotten ones too.</summary>
    public IReadOnlyList<TargetUpload> All => [.. _all];

    /// <summary>What the upload was for is told with the word <c>final</c>; an error is longer than what a client reads of a problem.</summary>
    public static string FinalAnswer(int status) => status < 400 ? "the answer" : $$"""{"title":"the answer","detail":"{{new string('x', 5000)}}"}""";

    /// <summary>As if a client had created it.</summary>
    public TargetUpload Create(string path, long? length, IReadOnlyDictionary<string, string> headers)
    {
        var upload = new TargetUpload
        {
            Id = Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture),
            Path = path,
            Length = length,
            Headers = headers,
        };
        _byId[upload.Id] = upload;
        _all.Enqueue(upload);
        return upload;
    }

    internal TargetUpload? Find(string id) => _byId.TryGetValue(id, out var upload) && !upload.IsGone ? upload : null;

    /// <summary>1 for the first time.</summary>
    internal int Count(string name, string query, string verb) => _said.AddOrUpdate($"{verb} {name}?{query}", 1, static (_, count) => count + 1);
}
