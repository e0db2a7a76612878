using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// Listens on a connection of its own for changes that nodes announce, and calls back. It starts with the first subscriber, connects
/// again when the connection breaks, and calls back after every connect, because something may have been missed. What it misses is
/// found by polling, so it never fails anybody.
/// </summary>
internal sealed partial class PostgresListener(PostgresDatabase database, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan ReconnectPause = TimeSpan.FromSeconds(1);

    private readonly ILogger _logger = logger;
    private readonly CancellationTokenSource _ending = new();
    private readonly List<Subscription> _subscriptions = [];
    private Task? _running;
    private int _disposed;

    public IDisposable Subscribe(Action changed)
    {
        var subscription = new Subscription(this, changed);
        lock (_subscriptions)
        {
            _subscriptions.Add(subscription);
            _running ??= RunAsync(_ending.Token);
        }

        return subscription;
    }

    /// <summary>Also twice: the store is known to the host under several names.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        await _ending.CancelAsync();
        if (_running is { } running)
            await running;
        _ending.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure) when (failure is JournalStoreException || PostgresErrors.IsOfStore(failure))
            {
                LogBroken(failure.Message);
            }

            try
            {
                await Task.Delay(ReconnectPause, time, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async ValueTask ListenAsync(CancellationToken stop)
    {
        await using var connection = await database.Source(ConnectionKind.Signal).OpenConnectionAsync(stop);
        connection.Notification += (_, _) => CallBack();
        await using (var listen = new NpgsqlCommand($"LISTEN {ClusterStatements.Channel}", connection))
            await listen.ExecuteNonQueryAsync(stop);
        CallBack();
        while (true)
            await connection.WaitAsync(stop);
    }

    private void CallBack()
    {
        Subscription[] all;
        lock (_subscriptions)
            all = [.. _subscriptions];
        foreach (var subscription in all)
            subscription.Changed();
    }

    private sealed class Subscription(PostgresListener listener, Action changed) : IDisposable
    {
        public Action Changed => changed;

        public void Dispose()
        {
            lock (listener._subscriptions)
                listener._subscriptions.Remove(this);
        }
    }
}
