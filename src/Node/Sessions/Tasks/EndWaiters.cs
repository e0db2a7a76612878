namespace Backhaul.Node.Sessions;

/// <summary>
/// Callers who are answered when an attempt that was told to stop has ended: who cancels for resume data wants its last bytes, and who changes a task that was
/// just suspended must not change what that attempt still goes by. Their commands are decided again then. Belongs to one <see cref="SessionActor"/>.
/// </summary>
internal sealed class EndWaiters(Session session)
{
    /// <summary>There is no more than one for each task unless they repeat themselves.</summary>
    private const int WaitingMax = 256;

    private readonly List<SessionMessage.Execute> _waiting = [];

    public void Add(SessionMessage.Execute execute)
    {
        _waiting.RemoveAll(static waiting => waiting.Reply.IsAnswered);
        if (_waiting.Count < WaitingMax)
        {
            _waiting.Add(execute);
            return;
        }
        execute.Reply.TryAnswer(new CommandReply.Unavailable(
            UnavailableReason.Full, TimeSpan.FromSeconds(1), "Too many callers wait for attempts of this session to end. Send the same request again."));
    }

    /// <summary>Those whose attempt has ended, and who still want to know. They stay until they are answered: the turn may fail before that.</summary>
    public IReadOnlyList<SessionMessage.Execute> Ready()
    {
        if (_waiting.Count == 0)
            return [];
        _waiting.RemoveAll(static waiting => waiting.Reply.IsAnswered);
        return _waiting.FindAll(waiting => HasEnded(waiting.Command));
    }

    public IReadOnlyList<SessionMessage.Execute> TakeAll()
    {
        var all = _waiting.ToArray();
        _waiting.Clear();
        return all;
    }

    private bool HasEnded(SessionCommand command) =>
        !session.Tasks.TryFind(((SessionCommand.ITaskCommand)command).Task, out var task)
        || (command is SessionCommand.ChangeTask && !TaskDecider.IsStopping(task));
}
