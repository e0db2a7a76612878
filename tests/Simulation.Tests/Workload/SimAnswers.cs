using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>How a client answers what its sessions ask: in every way, late, twice, about a question that is over, or not at all.</summary>
internal sealed class SimAnswers(VirtualProcess process, SimRandom random, Oracle oracle, Func<SessionKey, SessionCommand, Task<CommandReply?>> ask)
{
    /// <summary>An event says that something is asked.</summary>
    public void OnSeen(SessionKey session, EventView view)
    {
        if (view.Type is not (EventTypes.Challenge or EventTypes.DelayedRequest) || random.Chance(0.25))
            return;
        var (task, attempt) = (TaskId.Parse(view.Task!), view.Data.GetProperty("attempt").GetInt32());
        var isDelayed = view.Type is EventTypes.DelayedRequest;
        process.Start(async () =>
        {
            await Task.Delay(random.Seconds(0.01, random.Chance(0.7) ? 3 : 40), process.Clock);
            await AnswerAsync(session, task, attempt, isDelayed);
            if (random.Chance(0.2))
                await AnswerAsync(session, task, attempt, isDelayed); // another mind about the same question
        });
    }

    /// <summary>What is open is answered, so that everything can come to its end.</summary>
    public async Task SettleAsync(SessionKey session, TaskState waiting)
    {
        var attempt = waiting.Run?.Attempt ?? 0;
        if (waiting.Reason is WaitReasons.Credential)
            await AnswerAsync(session, waiting.Id, attempt, Challenge(waiting.Id, attempt, random.Chance(0.8) ? 0 : random.Between(2, 4)));
        else if (waiting.Reason is WaitReasons.DelayedRequest && random.Chance(0.7))
            await AnswerAsync(session, waiting.Id, attempt + 1, isDelayed: true);
    }

    private Task AnswerAsync(SessionKey session, TaskId task, int attempt, bool isDelayed) =>
        AnswerAsync(session, task, attempt, isDelayed ? Delayed(task, attempt, random.Next(6)) : Challenge(task, attempt, random.Next(6)));

    private async Task AnswerAsync(SessionKey session, TaskId task, int attempt, SessionCommand command)
    {
        if (await ask(session, command) is CommandReply.Done { Status: 202 })
            oracle.Questions.OnAccepted(session, task, attempt, command is SessionCommand.AnswerDelayedRequest, command.ToString());
    }

    private static SessionCommand Challenge(TaskId task, int attempt, int which) => which switch
    {
        0 or 5 => new SessionCommand.AnswerChallenge(task, ChallengeAnswerKind.UseCredential, "good", IsToken: false, attempt),
        1 => new SessionCommand.AnswerChallenge(task, ChallengeAnswerKind.UseCredential, "bad", IsToken: false, attempt),
        2 => new SessionCommand.AnswerChallenge(task, ChallengeAnswerKind.RejectProtectionSpace, null, IsToken: false, attempt),
        3 => new SessionCommand.AnswerChallenge(task, ChallengeAnswerKind.PerformDefaultHandling, null, IsToken: false, attempt),
        _ => new SessionCommand.AnswerChallenge(task, ChallengeAnswerKind.Cancel, null, IsToken: false, attempt),
    };

    private static SessionCommand Delayed(TaskId task, int attempt, int which) => which switch
    {
        0 => new SessionCommand.AnswerDelayedRequest(task, Cancel: true, null, null, attempt),
        1 => new SessionCommand.AnswerDelayedRequest(task, Cancel: false, "http://origin-9.example/other", null, attempt),
        2 => new SessionCommand.AnswerDelayedRequest(task, Cancel: false, null, new Dictionary<string, string>(StringComparer.Ordinal) { ["x-token"] = "fresh" }, attempt),
        _ => new SessionCommand.AnswerDelayedRequest(task, Cancel: false, null, null, attempt),
    };
}
