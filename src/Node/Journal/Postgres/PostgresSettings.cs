using System.Globalization;
using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// A connection string for each kind, from the one that is configured. Limits travel as start-up options: no round trip, and in force
/// from the first statement. What the configured string says itself about hosts, users, certificates and the schema stays.
/// </summary>
internal static class PostgresSettings
{
    /// <summary>PostgreSQL cuts longer ones.</summary>
    private const int ApplicationNameMax = 63;

    private const int KeepaliveProbes = 3;

    public const string CheckSql = "SELECT pg_is_in_recovery(), current_setting('synchronous_commit')";

    public const string CommitOnSql = "SET synchronous_commit = on";

    public static NpgsqlConnectionStringBuilder Of(string connectionString, PostgresOptions options, string nodeName, ConnectionKind kind)
    {
        var statement = StatementTimeout(options, kind);
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = Cut($"backhaul {nodeName} {kind.ToString().ToLowerInvariant()}"),
            Pooling = kind is ConnectionKind.Append or ConnectionKind.Read or ConnectionKind.Claim,
            MinPoolSize = 0,
            MaxPoolSize = kind switch
            {
                ConnectionKind.Append => options.AppendConnectionsMax,
                ConnectionKind.Read => options.ReadConnectionsMax,
                _ => options.ClaimConnectionsMax,
            },
            Timeout = Seconds(options.ConnectTimeout),
            CommandTimeout = Seconds(statement + options.NetworkGrace),
            CancellationTimeout = -1,               // a silent network would not carry a request to cancel either
            TcpKeepAlive = true,
            TcpKeepAliveTime = Seconds(options.KeepaliveIdle),
            TcpKeepAliveInterval = Seconds(options.KeepaliveIdle / KeepaliveProbes),
            NoResetOnClose = true,                  // nothing of a call stays on its connection
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 2,
            Enlist = false,
        };
        settings.Options = string.Join(' ', new[] { settings.Options, ServerOptions(options, kind, statement) }.Where(part => !string.IsNullOrEmpty(part)));
        return settings;
    }

    private static TimeSpan StatementTimeout(PostgresOptions options, ConnectionKind kind) => kind switch
    {
        ConnectionKind.Append or ConnectionKind.Claim => options.AppendTimeout,
        ConnectionKind.Migration => options.MigrationTimeout,
        ConnectionKind.Lease => options.ClaimLockTimeout,
        _ => options.ReadTimeout,
    };

    private static string ServerOptions(PostgresOptions options, ConnectionKind kind, TimeSpan statement)
    {
        var parts = new List<string>
        {
            Option("statement_timeout", Milliseconds(statement)),
            Option("lock_timeout", Milliseconds(kind is ConnectionKind.Claim or ConnectionKind.Lease ? options.ClaimLockTimeout : statement)),
            Option("idle_in_transaction_session_timeout", Milliseconds(statement + options.NetworkGrace)),
            Option("tcp_keepalives_idle", Seconds(options.KeepaliveIdle)),
            Option("tcp_keepalives_interval", Seconds(options.KeepaliveIdle / KeepaliveProbes)),
            Option("tcp_keepalives_count", KeepaliveProbes),
            Option("tcp_user_timeout", Milliseconds(options.PeerTimeout)),
            "-c jit=off",                           // compiling costs more than these statements
        };
        if (kind == ConnectionKind.Append)
        {
            parts.Add("-c plan_cache_mode=force_generic_plan"); // planning the append anew would take as long as a small one runs
            parts.Add("-c enable_seqscan=off");     // that one plan must also be right when it was made for empty tables
        }

        if (kind == ConnectionKind.Read)
        {
            parts.Add("-c synchronous_commit=off"); // a row lock taken while reading need not be flushed
            parts.Add("-c plan_cache_mode=force_custom_plan"); // a plan made for empty tables must not outlive them
        }

        return string.Join(' ', parts);
    }

    private static string Option(string name, int value) => string.Create(CultureInfo.InvariantCulture, $"-c {name}={value}");

    private static int Seconds(TimeSpan time) => Math.Max(1, (int)Math.Ceiling(time.TotalSeconds));

    private static int Milliseconds(TimeSpan time) => (int)time.TotalMilliseconds;

    private static string Cut(string name) => name.Length <= ApplicationNameMax ? name : name[..ApplicationNameMax];
}
