using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// Q1 to Q3: questions to clients, by the rows: each is answered once, nothing starts before its answer, and each challenge that an attempt met is asked.
/// After the store was put back nothing is checked.
/// </summary>
internal sealed class QuestionChecks(Func<bool> isExcused)
{
    private readonly Dictionary<(SessionKey Session, TaskId Task), Question> _tasks = [];
    private readonly Dictionary<(SessionKey Session, TaskId Task, int Attempt, bool IsDelayed), string> _accepted = [];
    private readonly HashSet<(SessionKey Session, TaskId Task, int Attempt)> _met = [];

    public long Asked { get; private set; }

    public long Answered { get; private set; }

    /// <summary>An origin answered 401 to an attempt.</summary>
    public void OnMet(SessionKey session, TaskId task, int attempt) => _met.Add((session, task, attempt));

    /// <summary>Q2: a client was told that it is asked before this task starts.</summary>
    public void OnPromised(SessionKey session, TaskId task, AskBeforeStart ask)
    {
        if (isExcused())
            return;
        var question = Of(session, task);
        if (question.WasStarted && !question.WasAsked)
            throw new InvariantBrokenException("Q2", $"{session} {task} has started, and its client was to be asked first ({ask}).");
        question.Ask = ask;
    }

    /// <summary>Q1: a client was told that its answer to this question holds.</summary>
    public void OnAccepted(SessionKey session, TaskId task, int attempt, bool isDelayed, string answer)
    {
        Answered++;
        if (!isExcused() && !_accepted.TryAdd((session, task, attempt, isDelayed), answer))
            throw new InvariantBrokenException("Q1", $"The question of attempt {attempt} of {session} {task} was answered by {_accepted[(session, task, attempt, isDelayed)]}, and {answer} is accepted too.");
    }

    public void OnDurable(SessionKey session, SessionEvent happened)
    {
        if (isExcused() || happened is not TaskEvent ofTask)
            return;
        var question = Of(session, ofTask.Task);
        switch (happened)
        {
            case TaskCreated created:
                _tasks[(session, created.Task)] = new Question { Ask = created.Spec.AskBeforeStart };
                break;
            case TaskChallenged challenged:
                Open(question, session, challenged.Task, challenged.Attempt, until: null);
                break;
            case TaskDelayedRequest delayed:
                Open(question, session, delayed.Task, delayed.Attempt, delayed.Until);
                break;
            case TaskChallengeAnswered:
                Close(question, session, ofTask.Task, isDelayed: false);
                break;
            case TaskRequestDecided decided:
                if (decided.ByDefault && question.Until is { } until && decided.At < until)
                    throw new InvariantBrokenException("Q2", $"{session} {ofTask.Task} goes on by default at {decided.At:o}, and its client has time until {until:o}.");
                Close(question, session, ofTask.Task, isDelayed: true);
                question.IsAllowed = true;
                break;
            case TaskChanged { Change: var change } when question.IsOpen && (change.Url is not null || change.Headers is not null):
                (question.IsAllowed, question.IsOpen) = (question.IsAllowed || question.Until is not null, false);
                break;
            case TaskReleased or TaskSuspended:
                question.IsOpen = false;
                break;
            case TaskStarted started:
                CheckStart(question, session, started);
                break;
            case TaskAttemptEnded { Decision: AttemptDecisions.Retried } ended when _met.Contains((session, ended.Task, ended.Attempt)):
                throw new InvariantBrokenException("Q3", $"Attempt {ended.Attempt} of {session} {ended.Task} was asked for a credential, and its client is not.");
            case TaskCompleted:
                question.IsOpen = false;
                break;
        }
    }

    /// <summary>Q2: nothing starts before its answer.</summary>
    private static void CheckStart(Question question, SessionKey session, TaskStarted started)
    {
        if (question.IsOpen)
            throw new InvariantBrokenException("Q2", $"Attempt {started.Attempt} of {session} {started.Task} starts while the question of attempt {question.Attempt} is open.");
        var mustAsk = question.Ask is { } ask && (started.Attempt == 1 || ask.When == DelayedRequestDecider.EveryAttempt);
        if (mustAsk && !question.IsAllowed)
            throw new InvariantBrokenException("Q2", $"Attempt {started.Attempt} of {session} {started.Task} starts, and its client was to be asked first.");
        (question.IsAllowed, question.WasStarted) = (false, true);
    }

    private void Open(Question question, SessionKey session, TaskId task, int attempt, DateTimeOffset? until)
    {
        Asked++;
        if (question.IsOpen)
            throw new InvariantBrokenException("Q1", $"{session} {task} asks about attempt {attempt}, and its question about attempt {question.Attempt} is open.");
        (question.IsOpen, question.Attempt, question.Until) = (true, attempt, until);
        question.WasAsked |= until is not null;
    }

    private static void Close(Question question, SessionKey session, TaskId task, bool isDelayed)
    {
        if (!question.IsOpen || (question.Until is not null) != isDelayed)
            throw new InvariantBrokenException("Q1", $"{session} {task} is answered, and nothing is asked: the last question was that of attempt {question.Attempt}.");
        question.IsOpen = false;
    }

    private Question Of(SessionKey session, TaskId task)
    {
        if (!_tasks.TryGetValue((session, task), out var question))
            _tasks.Add((session, task), question = new Question());
        return question;
    }

    private sealed class Question
    {
        public AskBeforeStart? Ask { get; set; }

        public bool WasAsked { get; set; }

        public bool WasStarted { get; set; }

        public bool IsOpen { get; set; }

        public int Attempt { get; set; }

        /// <summary>Null for a challenge.</summary>
        public DateTimeOffset? Until { get; set; }

        /// <summary>The next attempt may start.</summary>
        public bool IsAllowed { get; set; }
    }
}
