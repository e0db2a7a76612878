using System.Threading.Channels;

namespace Backhaul.Client.AspNetCore;

/// <summary>
/// Launches that were taken and are not handled yet. One for each session: a newer launch stands for those before it, since all events are handled
/// in any case. While a session's launch is handled its next one waits, so that its events keep their order.
/// </summary>
internal sealed class LaunchQueue
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Launch> _waiting = new(StringComparer.Ordinal);
    private readonly HashSet<string> _running = new(StringComparer.Ordinal);
    private readonly Channel<string> _order = Channel.CreateUnbounded<string>();   // holds each registered session once at most

    public void Add(Launch launch)
    {
        lock (_gate)
        {
            var isNew = !_waiting.TryGetValue(launch.Session, out var other);
            if (isNew || other!.Number < launch.Number)
                _waiting[launch.Session] = launch;
            if (isNew && !_running.Contains(launch.Session))
                _order.Writer.TryWrite(launch.Session);
        }
    }

    /// <summary>The next launch; say <see cref="Done"/> when it was handled, or given up.</summary>
    public async ValueTask<Launch> NextAsync(CancellationToken stop)
    {
        var session = await _order.Reader.ReadAsync(stop);
        lock (_gate)
        {
            _running.Add(session);
            _waiting.Remove(session, out var launch);
            return launch!;
        }
    }

    public void Done(Launch launch)
    {
        lock (_gate)
        {
            _running.Remove(launch.Session);
            if (_waiting.ContainsKey(launch.Session))
                _order.Writer.TryWrite(launch.Session);
        }
    }
}
