namespace Backhaul.Simulation.Tests.Runs;

/// <summary>Rules of the product that a run may switch off: mutants, which the invariants must catch. All off means the product as it is.</summary>
internal sealed record SimRules
{
    public static SimRules AsBuilt { get; } = new();

    /// <summary>The store compares neither epoch nor owner.</summary>
    public bool FenceIsOff { get; init; }

    /// <summary>A node that cannot renew its lease believes that it has.</summary>
    public bool TrustIsForEver { get; init; }

    /// <summary>Reports of old attempts are taken as those of the present one.</summary>
    public bool AttemptFenceIsOff { get; init; }

    /// <summary>Repeated commands are executed again.</summary>
    public bool LedgerIsOff { get; init; }

    /// <summary>Nodes look at the cluster only when they are told to.</summary>
    public bool PollingIsOff { get; init; }

    /// <summary>Whatever a receiver answers, the webhook counts as taken.</summary>
    public bool EveryAnswerIsTaken { get; init; }

    /// <summary>A webhook that was taken is not written down.</summary>
    public bool TakenIsForgotten { get; init; }

    /// <summary>Streams are not told that there is something new.</summary>
    public bool NewsIsOff { get; init; }

    /// <summary>Sessions do not see who is attached.</summary>
    public bool PresenceIsOff { get; init; }

    /// <summary>The budget of launches is not looked at.</summary>
    public bool BudgetIsOff { get; init; }

    /// <summary>An answer counts for whatever question is open.</summary>
    public bool QuestionsHaveNoNumber { get; init; }

    /// <summary>That an origin asked for a credential is taken for any failure.</summary>
    public bool ChallengesAreSwallowed { get; init; }

    /// <summary>Serialized groups are not.</summary>
    public bool GroupsAreParallel { get; init; }

    /// <summary>Slots are given out beyond the limits.</summary>
    public bool SlotsAreBoundless { get; init; }

    /// <summary>Nobody is told that a slot is free.</summary>
    public bool SlotsAreKeptSecret { get; init; }

    /// <summary>A cancel that came too late is told that it won.</summary>
    public bool CancelsAlwaysWin { get; init; }

    /// <summary>Events end in a third of their retention.</summary>
    public bool RetentionIsShort { get; init; }

    /// <summary>Reads of numbered events leave one out now and then.</summary>
    public bool ReadsLeaveOut { get; init; }

    /// <summary>Nobody is asked before a task starts.</summary>
    public bool NobodyIsAsked { get; init; }

    /// <summary>Each owner gives a webhook an id of its own.</summary>
    public bool IdsAreOwn { get; init; }

    /// <summary>Webhooks lie in a queue for a minute before they are sent, whatever becomes of them meanwhile.</summary>
    public bool WebhooksAreLate { get; init; }

    /// <summary>A webhook that its receiver took is not sent again, also when it is to be.</summary>
    public bool NothingIsSentTwice { get; init; }

    /// <summary>Every other minute a client is seen that is not there.</summary>
    public bool GhostsAreSeen { get; init; }

    /// <summary>Reads of numbered events show one as the next one now and then.</summary>
    public bool EventsAreMixedUp { get; init; }

    /// <summary>Views of tasks do not say when they are looked at next.</summary>
    public bool ViewsHideTheirTime { get; init; }

    /// <summary>The URLs for success and failure are taken for each other.</summary>
    public bool EndsAreConfused { get; init; }

    /// <summary>A notification that fails once is given up.</summary>
    public bool NotificationsAreGivenUp { get; init; }

    /// <summary>Notifications are never sent.</summary>
    public bool NotificationsStay { get; init; }

    /// <summary>Some tasks are left out of the completion group that they were added to.</summary>
    public bool SetsLeaveOut { get; init; }

    /// <summary>That a completion group is complete is answered, and not done.</summary>
    public bool SetsStayOpen { get; init; }

    /// <summary>Sessions miss the times that they wanted to be woken at.</summary>
    public bool WakesAreMissed { get; init; }

    /// <summary>A rule that looks at messages one by one is off.</summary>
    public bool OneMessageATurn => AttemptFenceIsOff || TakenIsForgotten || BudgetIsOff || QuestionsHaveNoNumber || GroupsAreParallel || CancelsAlwaysWin || RetentionIsShort
        || NobodyIsAsked || ViewsHideTheirTime || EndsAreConfused || SetsLeaveOut || SetsStayOpen || WakesAreMissed;

    /// <summary>Sessions count time as if it passed twice as fast.</summary>
    public bool TimeIsDoubled { get; init; }
}
