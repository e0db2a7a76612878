using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>Thousands of random histories: whatever happens, the invariants hold and the journal leads back to the same state.</summary>
public sealed class RandomHistoriesTests
{
    [Fact]
    public void Any_history_replays_to_the_same_state_with_one_end_per_task_and_numbers_without_gap() =>
        Prop.ForAll<int[]>(steps =>
        {
            var session = new SessionHarness(new SessionOptions { LiveTasksMax = 12 }).Opened();
            foreach (var step in steps)
                Step(session, step == int.MinValue ? 0 : Math.Abs(step));
            session.AssertReplaysEqual();
            AssertInvariants(session);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(600).WithEndSize(120));

    [Fact]
    public void The_ready_index_always_offers_what_a_plain_search_would() =>
        Prop.ForAll<int[]>(steps =>
        {
            var session = new SessionHarness(new SessionOptions { LiveTasksMax = 20 }).Opened();
            foreach (var step in steps)
            {
                Step(session, step == int.MinValue ? 0 : Math.Abs(step));
                session.Session.Tasks.Promote(session.Now);
                var found = session.Session.Tasks.Ready.TryPeek(2, new HashSet<string>(StringComparer.Ordinal) { "https://h2.example" }, out var id, out _);
                Assert.Equal(Search(session), found ? id : null);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(80));

    /// <summary>Serialized groups leave their first one only; of a parallel group's tasks on a host the best place counts, and its order says who takes it.</summary>
    private static TaskId? Search(SessionHarness session)
    {
        var live = session.Session.Tasks.After(0).ToList();
        var active = live.Where(task => task.IsActive).GroupBy(Host).ToDictionary(group => group.Key, group => group.Count());
        var timed = live.Where(task => task is { Phase: TaskPhase.Waiting, IsActive: false, WaitsForClient: false }).ToList();
        var ready = timed.Where(task => (task.NotBefore is null || task.NotBefore <= session.Now) && !DelayedRequestDecider.MustAsk(task)).ToList();
        foreach (var group in session.Session.Groups.States.Where(state => state.Mode is GroupMode.Serialized))
        {
            var begun = live.Where(task => task is { Run.Active: false, Phase: TaskPhase.Waiting } && (!task.WaitsForClient || task.Reason == WaitReasons.DelayedRequest));
            var line = ready.Union(begun).Where(task => task.Spec.Group == group.Name);
            var first = live.Any(task => task.IsActive && task.Spec.Group == group.Name) ? null : Turned(line, group.Current).FirstOrDefault();
            ready.RemoveAll(task => task.Spec.Group == group.Name && task != first);
        }
        var best = ready.Where(task => Host(task) != "h2.example" && active.GetValueOrDefault(Host(task)) < 2).OrderBy(TaskRank.Of).FirstOrDefault();
        return best?.Spec.Group is { } name
            ? Turned(ready.Where(task => task.Spec.Group == name && Host(task) == Host(best)), session.Session.Groups[name].State.Current).First().Id
            : best?.Id;
    }

    private static IOrderedEnumerable<TaskState> Turned(IEnumerable<TaskState> tasks, TaskRank? current) =>
        tasks.OrderBy(task => current is { } from && TaskRank.Of(task).CompareTo(from) < 0).ThenBy(TaskRank.Of);

    private static string Host(TaskState task) => new Uri(task.Spec.Url).Authority;

    private static void Step(SessionHarness session, int choice)
    {
        var live = session.Session.Tasks.After(0).ToList();
        var argument = choice / 16;
        var task = live.Count > 0 ? live[argument % live.Count] : null;
        switch (choice % 16)
        {
            case 0 or 1 or 2:
                session.Do(new SessionCommand.AddTask(SessionHarness.Download(argument % 3 == 0 ? $"own{argument % 7}" : null, $"https://h{argument % 4}.example/{argument}") with
                {
                    Start = argument % 5 != 0,
                    Priority = argument % 3 / 2.0,
                    Deadline = argument % 6 == 0 ? session.Now.AddMinutes(3) : null,
                    EarliestBeginAt = argument % 4 == 0 ? session.Now.AddMinutes(1) : null,
                    AskBeforeStart = argument % 7 == 0 ? new AskBeforeStart { When = argument % 2 == 0 ? "everyAttempt" : null, Default = argument % 3 == 0 ? "cancel" : null } : null,
                    Group = argument % 5 < 3 ? GroupName.Parse($"g{argument % 5}") : null,
                }));
                break;
            case 3 or 4 or 5 when task is { Phase: TaskPhase.Waiting, IsActive: false, Reason: not WaitReasons.DelayedRequest }:
                session.Start(task.Id);
                break;
            case 6 when task is not null:
                session.Report(task.Id, task.Run?.Attempt ?? 1, SessionHarness.Checkpoint(argument % 100));
                break;
            case 7 when task is not null:
                session.Report(task.Id, task.Run?.Attempt ?? 1, SessionHarness.Finished());
                break;
            case 8 when task is not null:
                session.Report(
                    task.Id, (task.Run?.Attempt ?? 1) - argument % 2, argument % 5 == 0 ? SessionHarness.Challenged() : SessionHarness.Failed(retryable: argument % 3 != 0));
                break;
            case 9 when task is not null:
                session.Do(new SessionCommand.CancelTask(task.Id));
                break;
            case 10 when task is not null:
                session.Do(new SessionCommand.SuspendTask(task.Id));
                break;
            case 11 when task is not null:
                session.Do(new SessionCommand.ResumeTask(task.Id));
                break;
            case 12:
                session.Do(new SessionCommand.Acknowledge(argument % (session.Session.Delivery.LastNumber + 2)));
                break;
            case 13:
                session.Now += TimeSpan.FromSeconds(argument % 200);
                session.Settle();
                break;
            case 14 when argument % 4 == 1:
                session.Do(new SessionCommand.PutGroup(GroupName.Parse($"g{argument % 3}"), (GroupMode)(1 + argument % 2)));
                break;
            case 14 when argument % 4 == 2:
                session.Do(new SessionCommand.ActOnGroup(GroupName.Parse($"g{argument % 3}"), (GroupAct)(1 + argument / 3 % 3)));
                break;
            case 14 when argument % 4 == 3 && task is not null:
                session.Do(new SessionCommand.MakeCurrent(task.Id));
                break;
            case 14 when argument % 4 == 0:
                session.Do(new SessionCommand.End((EndMode)(1 + argument % 3)));
                session.Settle();
                break;
            case 15 when argument % 3 == 1:
                session.Do(new SessionCommand.Open(new SessionConfiguration { Credentials = [new CredentialRule { Secret = $"s{argument % 4}" }] }));
                break;
            case 15 when argument % 3 == 2 && task is { IsActive: false }:
                session.Do(new SessionCommand.ChangeTask(task.Id, new TaskChange { Headers = new Dictionary<string, string> { ["X"] = "1" } }));
                break;
            case 15 when task is { Reason: WaitReasons.DelayedRequest }:
                session.Do(new SessionCommand.AnswerDelayedRequest(task.Id, argument % 5 == 0, argument % 3 == 0 ? "https://h3.example/new" : null, null, null));
                break;
            case 15 when argument % 6 == 0 && task is { Reason: WaitReasons.Credential }:
                session.Do(new SessionCommand.AnswerChallenge(task.Id, (ChallengeAnswerKind)(1 + argument / 6 % 4), $"s{argument % 4}", IsToken: false, null));
                break;
            case 15 when argument % 3 == 0:
                session.Apply(AttemptDecider.Recover(session.Session, session.Now));
                session.Do(new SessionCommand.Open(null));
                break;
        }
    }

    private static void AssertInvariants(SessionHarness session)
    {
        var numbered = session.History.Count(SessionEvent.Codec.IsNumbered);
        Assert.Equal(numbered, session.Session.Delivery.LastNumber);
        var generation = session.History.FindLastIndex(happened => happened is SessionCreated);
        var current = session.History.Skip(generation).ToList();
        var created = current.OfType<TaskCreated>().Select(happened => happened.Task).ToList();
        var ended = current.OfType<TaskCompleted>().Select(happened => happened.Task).ToList();
        Assert.Equal(ended.Distinct().Count(), ended.Count);
        Assert.Equal(created.Except(ended).Order(ById).ToList(), session.Session.Tasks.After(0).Select(task => task.Id).Order(ById).ToList());
        var counted = Enum.GetValues<TaskPhase>().Sum(session.Session.Tasks.CountOf);
        Assert.Equal(session.Session.Tasks.Count, counted);
        Assert.Equal(session.Session.Tasks.After(0).Count(task => task.IsActive), session.Session.Tasks.ActiveCount);
        Assert.True(session.Session.Delivery.Acknowledged <= session.Session.Delivery.LastNumber);
        AssertGroups(session, current);
    }

    /// <summary>Each end of a task in a group is counted by one event, once nothing is left to say; none speaks while a task of it lives.</summary>
    private static void AssertGroups(SessionHarness session, List<SessionEvent> current)
    {
        session.Settle();
        var groupOf = current.OfType<TaskCreated>().ToDictionary(happened => happened.Task, happened => happened.Spec.Group);
        var events = session.History.Skip(session.History.FindLastIndex(happened => happened is SessionCreated)).ToList();
        foreach (var group in groupOf.Values.OfType<GroupName>().Distinct())
        {
            var ended = events.OfType<TaskCompleted>().Count(happened => groupOf[happened.Task] == group);
            var live = session.Session.Tasks.After(0).Count(task => task.Spec.Group == group);
            var told = events.OfType<GroupCompleted>().Where(happened => happened.Group == group).Sum(happened => happened.Counts.Total);
            Assert.Equal(live, session.Session.Groups.TryFind(group, out var known) ? known.Live : 0);
            Assert.Equal(ended - told, known?.State.Ended.Total ?? 0);
            Assert.True(live > 0 || told == ended);
        }
    }

    private static Comparer<TaskId> ById { get; } = Comparer<TaskId>.Create((one, other) => string.CompareOrdinal(one.ToString(), other.ToString()));
}
