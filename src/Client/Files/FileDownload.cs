using System.Net;
using System.Net.Http.Headers;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Files;

/// <summary>
/// Copies a file of the cluster into a stream, over as many connections as it takes. What was received stays: the next attempt asks for the
/// rest with If-Range, so that a 206 can only be the same file; a 200 to such a request is another one and starts from the beginning.
/// </summary>
internal sealed class FileDownload
{
    private readonly Caller _caller;
    private readonly string _path;
    private readonly Stream _destination;
    private readonly ByteRange? _range;
    private readonly long _start;
    private long _received;
    private FileHead? _head;

    public FileDownload(Caller caller, string path, Stream destination, ByteRange? range)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (range is { } asked && (asked.From < 0 || asked.To < asked.From))
            throw new ArgumentOutOfRangeException(nameof(range), "A range starts at 0 or later and ends at its start or later.");
        _caller = caller;
        _path = path;
        _destination = destination;
        _range = range;
        _start = destination.CanSeek ? destination.Position : 0;
    }

    /// <summary>What the node was asked to wait for bytes that are not there yet.</summary>
    public TimeSpan LongPoll { get; init; }

    public Task<FileHead> RunAsync(CancellationToken stop) =>
        _caller.RunAsync(new Call(HttpMethod.Get, _path) { Accept = "*/*", Prepare = AskForTheRest, LongPoll = LongPoll }, ReadAsync, stop);

    private long From => (_range?.From ?? 0) + _received;

    private void AskForTheRest(HttpRequestMessage request)
    {
        if (_range is null && _received == 0)
            return;
        request.Headers.Range = new RangeHeaderValue(From, _range?.To);
        if (_received > 0 && _head?.ETag is { } validator)
            request.Headers.IfRange = new RangeConditionHeaderValue(EntityTagHeaderValue.Parse(validator));
    }

    private async Task<FileHead> ReadAsync(HttpResponseMessage response, AttemptLimit limit)
    {
        var head = FileHead.Of(response) ?? throw Caller.Unexpected(response);
        var same = _received > 0 && response.StatusCode == HttpStatusCode.PartialContent && head.ETag is not null && head.ETag == _head?.ETag;
        if (_received > 0 && !same)
            StartAgain();
        _head = head;
        var content = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.PartialContent ? content?.From != From : From > 0)
            throw new IOException("The node answered with another part of the file than was asked for.");
        await CopyAsync(response, limit);
        return head;
    }

    private void StartAgain()
    {
        if (!_destination.CanSeek)
        {
            throw new BackhaulException(new Problem
            {
                Status = 200,
                Code = ClientCodes.FileChanged,
                Detail = $"The file changed after {_received} bytes of it were read, and the stream they went into cannot go back; read it again from the start.",
            });
        }
        _destination.Position = _start;
        _destination.SetLength(_start);
        _received = 0;
    }

    private async Task CopyAsync(HttpResponseMessage response, AttemptLimit limit)
    {
        await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
        var buffer = new byte[StreamedContent.ChunkBytes];
        while (await body.ReadAsync(buffer, limit.Token) is var read and > 0)
        {
            try
            {
                await _destination.WriteAsync(buffer.AsMemory(0, read), limit.Token);
            }
            catch (IOException broken)
            {
                throw new InvalidOperationException("The stream to download into cannot be written: " + broken.Message, broken);
            }
            _received += read;
            limit.Progressed();
        }
    }
}
