using System.Globalization;
using Backhaul.Client.Calls;

namespace Backhaul.Client.Events;

/// <summary>One connection of an event stream, watched over: when nothing comes for too long, not even a keep-alive, it counts as broken.</summary>
internal sealed class EventConnection : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly MessageReader _reader;
    private readonly CancellationTokenSource _silent;
    private readonly CancellationTokenSource _either;
    private readonly TimeSpan _silence;
    private readonly CancellationToken _stop;

    private EventConnection(HttpResponseMessage response, Stream body, Caller caller, CancellationToken stop)
    {
        _response = response;
        _reader = new MessageReader(body);
        _silence = caller.Options.StreamSilence;
        _silent = new CancellationTokenSource(Timeout.InfiniteTimeSpan, caller.Time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_silent.Token, stop);
        _stop = stop;
    }

    /// <summary>True once the node has sent anything.</summary>
    public bool IsAlive { get; private set; }

    /// <summary>What the node asked to wait before the next connection.</summary>
    public TimeSpan? Retry => _reader.Retry;

    /// <summary>Connects behind event <paramref name="last"/>. Throws what <see cref="Caller.OpenAsync"/> throws.</summary>
    public static async Task<EventConnection> OpenAsync(Caller caller, int endpoint, string path, long last, CancellationToken stop)
    {
        var after = last.ToString(CultureInfo.InvariantCulture);
        var call = new Call(HttpMethod.Get, $"{path}?after={after}")
        {
            Accept = "text/event-stream",
            Prepare = last == 0 ? null : request => request.Headers.Add("Last-Event-ID", after),
        };
        using var limit = new AttemptLimit(caller.Options.AttemptTimeout, caller.Time, stop);
        HttpResponseMessage? response = null;
        try
        {
            response = await caller.OpenAsync(call, endpoint, limit);
            if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
                throw Caller.Unexpected(response);
            return new EventConnection(response, await response.Content.ReadAsStreamAsync(limit.Token), caller, stop);
        }
        catch (OperationCanceledException late) when (limit.IsExpired && !stop.IsCancellationRequested)
        {
            throw new IOException("The node did not open the event stream in time.", late);
        }
        catch
        {
            response?.Dispose();
            throw;
        }
    }

    /// <summary>The next message; null when the node ended the stream. A broken or silent connection throws <see cref="IOException"/>.</summary>
    public async ValueTask<StreamMessage?> NextAsync()
    {
        try
        {
            return await _reader.NextAsync(FillAsync, _either.Token);
        }
        catch (OperationCanceledException late) when (!_stop.IsCancellationRequested)
        {
            throw new IOException($"The event stream was silent for {_silence.TotalSeconds:0.#} s.", late);
        }
        catch (HttpRequestException broken)
        {
            throw new IOException(broken.Message, broken);
        }
        catch (InvalidDataException tooLong)
        {
            throw Caller.Unexpected(_response, tooLong);
        }
    }

    public ValueTask DisposeAsync()
    {
        _either.Dispose();
        _silent.Dispose();
        _response.Dispose();
        return default;
    }

    private async ValueTask<int> FillAsync(Stream stream, Memory<byte> room, CancellationToken stop)
    {
        _silent.CancelAfter(_silence);
        var read = await stream.ReadAsync(room, stop);
        _silent.CancelAfter(Timeout.InfiniteTimeSpan);
        IsAlive |= read > 0;
        return read;
    }
}
