using System.Buffers;
using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Client.Bulk;

/// <summary>Cuts a source of tasks into batches; see <see cref="BulkUpload"/>.</summary>
internal sealed class BulkBatches(IAsyncEnumerable<TaskRequest> tasks, TimeProvider time, bool cutByContentOnly, CancellationToken stop) : IAsyncDisposable
{
    /// <summary>How long lines wait for more of a source that is slower than we are.</summary>
    internal static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(200);
    private readonly IAsyncEnumerator<TaskRequest> _source = tasks.GetAsyncEnumerator(stop);
    private Task<bool>? _pending;
    private byte[]? _carried;
    private long _from;
    private bool _ended;

    /// <summary>The next batch; null at the end.</summary>
    public async Task<BulkBatch?> NextAsync()
    {
        var body = new ArrayBufferWriter<byte>();
        var lines = 0;
        while (lines < BulkUpload.LinesMax && await NextLineAsync(mayReturnEarly: lines > 0) is { } line)
        {
            if (lines > 0 && body.WrittenCount + line.Length > BulkUpload.BytesMax)
            {
                _carried = line;
                break;
            }
            body.Write(line);
            lines++;
        }
        var batch = new BulkBatch(_from, lines, body.WrittenMemory);
        _from += lines;
        return lines == 0 ? null : batch;
    }

    public async ValueTask DisposeAsync()
    {
        if (_pending is { } pending)
            await pending.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        await _source.DisposeAsync();
    }

    private async Task<byte[]?> NextLineAsync(bool mayReturnEarly)
    {
        if (_carried is { } carried)
        {
            _carried = null;
            return carried;
        }
        if (_ended)
            return null;
        _pending ??= _source.MoveNextAsync().AsTask();
        if (mayReturnEarly && !cutByContentOnly && !_pending.IsCompleted)
        {
            using var lingering = CancellationTokenSource.CreateLinkedTokenSource(stop);
            if (await Task.WhenAny(_pending, Task.Delay(Linger, time, lingering.Token)) != _pending)
                return null;
            await lingering.CancelAsync();
        }
        var moving = _pending;
        var moved = await moving;
        _pending = null;
        _ended = !moved;
        return moved ? [.. JsonSerializer.SerializeToUtf8Bytes(_source.Current, ProtocolJson.Default.TaskRequest), (byte)'\n'] : null;
    }
}
