using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// The way to a Backhaul cluster: sessions by <see cref="Session"/>, files by <see cref="Files"/>. One client serves a whole process
/// and all its threads. Every intent carries an idempotency key, so that a retry can never do a thing twice.
/// </summary>
public sealed class BackhaulClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly Caller _caller;

    /// <summary>A client of the endpoints in <paramref name="options"/>, by default the embedded node of this machine.</summary>
    public BackhaulClient(BackhaulClientOptions? options = null)
    {
        options ??= new BackhaulClientOptions();
        BackhaulClientOptions.Validate(options);
        _http = new HttpClient(options.Handler ?? CreateHandler(), disposeHandler: options.Handler is null) { Timeout = Timeout.InfiniteTimeSpan };
        _caller = new Caller(_http, options);
        Files = new ContainerFiles(_caller);
    }

    /// <summary>A client of one endpoint.</summary>
    public BackhaulClient(Uri endpoint, string? key = null)
        : this(new BackhaulClientOptions { Endpoints = [endpoint], Key = key })
    {
    }

    /// <summary>The files of the containers.</summary>
    public ContainerFiles Files { get; }

    /// <summary>The session of this identifier. Asks nothing of the cluster: create or re-attach with <see cref="CreateOrAttachAsync"/>.</summary>
    /// <exception cref="ArgumentException">The identifier breaks <see cref="SessionIdentifier.Rule"/>.</exception>
    public BackgroundSession Session(string identifier) => SessionIdentifier.TryParse(identifier, out var valid)
        ? new BackgroundSession(_caller, valid)
        : throw new ArgumentException(SessionIdentifier.Rule, nameof(identifier));

    /// <summary>
    /// Creates the session of this identifier, or re-attaches to it, and hands its events to <paramref name="handler"/>; see
    /// <see cref="BackgroundSession.CreateOrAttachAsync(SessionConfiguration, ISessionDelegate, AttachOptions, CancellationToken)"/>.
    /// </summary>
    public Task<AttachedSession> CreateOrAttachAsync(
        string identifier, SessionConfiguration? configuration, ISessionDelegate handler, AttachOptions? options = null, CancellationToken stop = default) =>
        Session(identifier).CreateOrAttachAsync(configuration, handler, options, stop);

    /// <summary>All sessions of the tenant, or those in one state.</summary>
    public IAsyncEnumerable<SessionListItem> ListSessionsAsync(string? state = null, CancellationToken stop = default) =>
        _caller.ListAsync("v1/sessions", new Query().With("state", state), ProtocolJson.Default.PageSessionListItem, stop);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler CreateHandler() => new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        EnableMultipleHttp2Connections = true,
        AllowAutoRedirect = false,
        UseCookies = false,
    };
}
