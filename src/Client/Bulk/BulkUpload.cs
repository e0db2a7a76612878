using System.Runtime.CompilerServices;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Bulk;

/// <summary>
/// Any number of tasks as NDJSON. The source is cut into requests of at most <see cref="LinesMax"/> lines and <see cref="BytesMax"/>
/// bytes, each with an intent of its own that follows from the intent of the whole and the request's position. Inside a request the node
/// stores chunks of 500 lines and answers each by a line.
///
/// A request's bytes are kept until all of its chunks are answered, so that after a broken connection exactly the same request goes out
/// again: the node recognises the chunks that it has already stored by the key and repeats their answers. Requests are bounded because
/// HTTP/1.1 clients read no answer before they have sent the request: one that always fits the node's buffers can never leave both
/// sides waiting for the other to read.
///
/// A slow source is not waited for: what is there is sent after <see cref="BulkBatches.Linger"/>. Only when the caller gave the intent, and
/// may therefore repeat the whole upload after a crash, requests are cut by content alone, so that the repetition is cut alike.
/// </summary>
internal sealed class BulkUpload(Caller caller, string path, CommandId? intent)
{
    internal const int LinesMax = 5_000;
    internal const int BytesMax = 512 * 1024;
    private readonly CommandId _intent = intent ?? caller.NewIntent();
    private readonly bool _cutByContentOnly = intent is not null;

    public async IAsyncEnumerable<BulkChunk> RunAsync(IAsyncEnumerable<TaskRequest> tasks, [EnumeratorCancellation] CancellationToken stop)
    {
        await using var batches = new BulkBatches(tasks, caller.Time, _cutByContentOnly, stop);
        for (var index = 0; await batches.NextAsync() is { } batch; index++)
        {
            var sender = new BulkRequest(caller, path, _intent.Part(index), batch);
            while (await sender.NextAsync(stop) is { } chunk)
                yield return chunk;
        }
    }
}

/// <summary>Lines that go out together.</summary>
/// <param name="From">Index of the first line in the whole upload.</param>
/// <param name="Lines">How many there are.</param>
/// <param name="Bytes">The body.</param>
internal sealed record BulkBatch(long From, int Lines, ReadOnlyMemory<byte> Bytes);
