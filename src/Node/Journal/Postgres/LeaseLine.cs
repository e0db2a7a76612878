using System.Runtime.ExceptionServices;
using Backhaul.Node.Sharding.Membership;
using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// One thread with one connection that carries renewals, one after another. States: idle, running, left: whoever waits for it may leave it
/// at any moment; it then ends with the call that it is in, and closes its connection. A connection that failed is replaced by the next call.
/// </summary>
internal sealed class LeaseLine
{
    private readonly NpgsqlDataSource _source;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wanted = new(0);
    private readonly Thread _thread;
    private Call? _next;
    private bool _left;
    private NpgsqlConnection? _connection;

    public LeaseLine(NpgsqlDataSource source)
    {
        _source = source;
        _thread = new Thread(Run) { IsBackground = true, Name = "backhaul-lease-line" };
        _thread.UnsafeStart();
    }

    public bool HasEnded => !_thread.IsAlive;

    /// <summary>False when the time passed; the line is left then. Throws what the renewal threw.</summary>
    public bool TryRun(NodeId node, TimeSpan within, out LeaseRenewal renewal)
    {
        var call = new Call(node);
        lock (_gate)
            _next = call;
        _wanted.Release();
        if (!call.Ended.Wait(within > TimeSpan.Zero ? within : TimeSpan.Zero))
        {
            Leave();
            renewal = default;
            return false;
        }

        if (call.Failure is { } failure)
            ExceptionDispatchInfo.Throw(failure);
        renewal = call.Renewal;
        return true;
    }

    public void Leave()
    {
        lock (_gate)
            _left = true;
        _wanted.Release();
    }

    private void Run()
    {
        while (true)
        {
            _wanted.Wait();
            Call? call;
            lock (_gate)
            {
                if (_left)
                    break;
                (call, _next) = (_next, null);
            }

            if (call is not null)
                Carry(call);
        }

        Disconnect();
    }

    private void Carry(Call call)
    {
        var stage = CallStage.Connecting;
        try
        {
            if (_connection is null)
            {
                _connection = _source.CreateConnection();
                _connection.Open();
            }

            stage = CallStage.Running;
            using var command = new NpgsqlCommand(ClusterStatements.Renew, _connection);
            command.Parameters.With(call.Node.Value);
            using var reader = command.ExecuteReader();
            if (!reader.Read())
                throw PostgresSchema.Refused("The database holds no cluster.");
            call.Renewal = new LeaseRenewal(reader.IsDBNull(0) ? null : PostgresClusterStore.ParseState(reader.GetString(0)), reader.GetInt64(1));
            stage = CallStage.Ending;
            while (reader.NextResult())
                stage = CallStage.Ending;
        }
        catch (Exception failure)
        {
            Disconnect();
            call.Failure = failure is JournalStoreException || PostgresErrors.IsOfStore(failure)
                ? PostgresErrors.ToStoreException(failure, "renew the lease", stage, writes: true)
                : failure;
        }

        call.Ended.Set();
    }

    private void Disconnect()
    {
        _connection?.Dispose();
        _connection = null;
    }

    private sealed class Call(NodeId node)
    {
        public NodeId Node => node;

        public ManualResetEventSlim Ended { get; } = new();

        public LeaseRenewal Renewal { get; set; }

        public Exception? Failure { get; set; }
    }
}
