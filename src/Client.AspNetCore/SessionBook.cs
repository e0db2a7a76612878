using Microsoft.Extensions.Logging;

namespace Backhaul.Client.AspNetCore;

/// <summary>The registered sessions by identifier, each with its delegate.</summary>
internal sealed class SessionBook
{
    private readonly Dictionary<string, SessionRegistration> _sessions = new(StringComparer.Ordinal);
    private readonly IServiceProvider _services;
    private readonly ILogger<SessionBook> _logger;

    public SessionBook(IEnumerable<SessionRegistration> sessions, IServiceProvider services, ILogger<SessionBook> logger)
    {
        (_services, _logger) = (services, logger);
        foreach (var session in sessions)
        {
            if (!_sessions.TryAdd(session.Identifier, session))
                throw new InvalidOperationException($"The session {session.Identifier} was registered twice: a session has one client.");
        }
    }

    public IReadOnlyCollection<SessionRegistration> All => _sessions.Values;

    public SessionRegistration? Find(string identifier) => _sessions.GetValueOrDefault(identifier);

    /// <summary>The delegate of the service, with what it does not handle itself written to the log.</summary>
    public ISessionDelegate DelegateOf(SessionRegistration session) => new LoggedDelegate(session.Delegate(_services), _logger);
}
