using System.Diagnostics;
using Backhaul.Simulation.Tests.Runs;
using Xunit;

namespace Backhaul.Simulation.Tests;

/// <summary>The simulation is itself tested: with one rule of the product switched off, it must find a broken promise within 200 seeds.</summary>
public sealed class MutantTests
{
    private const int SeedsMax = 200;

    [Fact]
    public void Without_the_fence_two_owners_write() => AssertCaught("no fence", new SimRules { FenceIsOff = true }, "I1", "I2");

    [Fact]
    public void A_node_that_believes_in_its_lease_for_ever_acts_beside_its_heir() =>
        AssertCaught("endless trust", new SimRules { TrustIsForEver = true }, "I4", "I6");

    [Fact]
    public void Without_the_attempts_number_late_reports_are_taken_for_the_present_attempt() =>
        AssertCaught("no attempt fence", new SimRules { AttemptFenceIsOff = true }, ["T1", "T2", "F1", "F2"], LeavesAttemptsBehind);

    [Fact]
    public void Without_the_ledger_repeated_commands_are_executed_again() => AssertCaught("no ledger", new SimRules { LedgerIsOff = true }, "I3");

    [Fact]
    public void A_view_that_is_only_read_when_the_store_calls_leaves_shards_without_a_node() =>
        AssertCaught("no polling", new SimRules { PollingIsOff = true }, "I8");

    [Fact]
    public void An_event_whose_receiver_refused_it_does_not_count_as_taken() =>
        AssertCaught("every answer is taken", new SimRules { EveryAnswerIsTaken = true }, "D1");

    [Fact]
    public void A_webhook_that_was_taken_is_not_sent_again_by_the_same_owner() =>
        AssertCaught("taken is forgotten", new SimRules { TakenIsForgotten = true }, "D4");

    [Fact]
    public void A_stream_that_is_not_told_of_news_stands_still() => AssertCaught("no news", new SimRules { NewsIsOff = true }, "I8");

    [Fact]
    public void Launches_of_a_session_whose_time_runs_too_fast_come_too_soon() =>
        AssertCaught("doubled time", new SimRules { TimeIsDoubled = true }, "L1");

    [Fact]
    public void A_client_that_is_there_is_not_launched() => AssertCaught("no presence", new SimRules { PresenceIsOff = true }, "L5");

    [Fact]
    public void Without_the_budget_launches_come_too_often() => AssertCaught("no budget", new SimRules { BudgetIsOff = true }, "L2");

    [Fact]
    public void An_answer_to_an_earlier_question_is_none_to_the_present_one() =>
        AssertCaught("no number of questions", new SimRules { QuestionsHaveNoNumber = true }, "Q1");

    [Fact]
    public void A_challenge_is_asked() => AssertCaught("challenges swallowed", new SimRules { ChallengesAreSwallowed = true }, "Q3");

    [Fact]
    public void Tasks_of_a_serialized_group_run_one_at_a_time() => AssertCaught("parallel groups", new SimRules { GroupsAreParallel = true }, "S1");

    [Fact]
    public void Without_the_limits_of_slots_too_much_runs() => AssertCaught("boundless slots", new SimRules { SlotsAreBoundless = true }, "S1");

    [Fact]
    public void Who_waits_for_a_slot_is_told_of_it() => AssertCaught("secret slots", new SimRules { SlotsAreKeptSecret = true }, "S2");

    [Fact]
    public void A_cancel_that_came_too_late_is_not_told_that_it_won() => AssertCaught("cancels always win", new SimRules { CancelsAlwaysWin = true }, "C1");

    [Fact]
    public void Events_live_as_long_as_their_retention() => AssertCaught("short retention", new SimRules { RetentionIsShort = true }, "R4");

    [Fact]
    public void A_read_that_leaves_an_event_out_loses_it() => AssertCaught("reads leave out", new SimRules { ReadsLeaveOut = true }, "R2", "D1", "D2");

    [Fact]
    public void Nothing_starts_before_its_client_was_asked() => AssertCaught("nobody is asked", new SimRules { NobodyIsAsked = true }, "Q2");

    [Fact]
    public void A_message_has_one_id() => AssertCaught("own ids", new SimRules { IdsAreOwn = true }, "D5");

    [Fact]
    public void A_launch_that_is_over_is_not_sent() => AssertCaught("late launches", new SimRules { WebhooksAreLate = true }, "L3");

    [Fact]
    public void What_was_handled_long_ago_is_not_pushed() => AssertCaught("late pushes", new SimRules { WebhooksAreLate = true }, "D3");

    [Fact]
    public void What_is_replayed_is_sent_again() => AssertCaught("nothing twice", new SimRules { NothingIsSentTwice = true }, "D6");

    [Fact]
    public void The_limiter_of_launches_does_not_rest_when_nobody_came() => AssertCaught("ghosts", new SimRules { GhostsAreSeen = true }, "L4");

    [Fact]
    public void An_event_is_shown_as_it_became_durable() => AssertCaught("mixed up events", new SimRules { EventsAreMixedUp = true }, "R3");

    [Fact]
    public void A_waiting_task_says_until_when() => AssertCaught("hidden times", new SimRules { ViewsHideTheirTime = true }, "S3");

    [Fact]
    public void The_end_of_a_task_is_told_to_whom_it_was_promised() => AssertCaught("confused ends", new SimRules { EndsAreConfused = true }, "N1");

    [Fact]
    public void A_notification_that_fails_once_is_tried_again() => AssertCaught("given up at once", new SimRules { NotificationsAreGivenUp = true }, "N2");

    [Fact]
    public void Notifications_that_are_due_are_sent() => AssertCaught("kept notifications", new SimRules { NotificationsStay = true }, "N3");

    [Fact]
    public void A_completion_group_fires_after_all_its_tasks() => AssertCaught("sets leave out", new SimRules { SetsLeaveOut = true }, "G1");

    [Fact]
    public void A_completion_group_that_was_enabled_is_closed() => AssertCaught("sets stay open", new SimRules { SetsStayOpen = true }, "G2");

    [Fact]
    public void A_deadline_is_warned_of() => AssertCaught("missed wakes", new SimRules { WakesAreMissed = true }, "T3");

    /// <summary>An attempt reports after its time only when it could not be stopped in it: when the volume hangs for longer than a child may take.</summary>
    private static bool LeavesAttemptsBehind(SimPlan plan) => plan is { FaultEvery.TotalSeconds: < 15 } && plan.Faults.Contains(SimFaultKind.VolumeHangs);

    private static void AssertCaught(string name, SimRules rules, params string[] numbers) => AssertCaught(name, rules, numbers, static _ => true);

    private static void AssertCaught(string name, SimRules rules, string[] numbers, Func<SimPlan, bool> isOne)
    {
        var watch = Stopwatch.StartNew();
        var seeds = Enumerable.Range(1, int.MaxValue).Select(static seed => (long)seed).Where(seed => isOne(SimPlan.Of(seed, rules))).Take(SeedsMax);
        var runs = SeedSweep.Run(seeds, rules, IsCaught);
        var caught = runs.FirstOrDefault(IsCaught);
        Console.WriteLine($"[seed] mutant ({name}): after {runs.Count} seeds and {watch.Elapsed.TotalSeconds:0.0} s: {caught?.Failure?.Message}");
        var others = runs.Where(run => run.Failure is not null && !IsCaught(run)).Take(3).Select(run => $"{run.Seed}: {run.Failure!.Message}");
        Assert.True(caught is not null, $"{SeedsMax} seeds run as if nothing was missing: {name}. {string.Join(' ', others)}");

        bool IsCaught(SeedRun run) => run.Failure is InvariantBrokenException broken && numbers.Contains(broken.Number);
    }
}
