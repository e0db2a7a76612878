namespace Backhaul.Simulation.Tests.Runs;

/// <summary>What a run did: a run that does nothing proves nothing, so tests look at the sums.</summary>
internal sealed class SimStatistics
{
    public long Rows { get; set; }

    public long Claims { get; set; }

    public long Outward { get; set; }

    public long Acknowledged { get; set; }

    public long Succeeded { get; set; }

    public long Ended { get; set; }

    public long Faults { get; set; }

    public long Forwarded { get; set; }

    /// <summary>Events that clients saw, on streams and in pages.</summary>
    public long Seen { get; set; }

    /// <summary>Requests to receivers.</summary>
    public long Webhooks { get; set; }

    /// <summary>Different launches that reached their receiver.</summary>
    public long Launches { get; set; }

    /// <summary>Questions to clients, and answers of theirs that hold.</summary>
    public long Questions { get; set; }

    public long Answers { get; set; }

    /// <summary>Ends of tasks that somebody was told of, completion groups that fired, and warnings of deadlines.</summary>
    public long Notified { get; set; }

    public long Sets { get; set; }

    public long Warnings { get; set; }

    /// <summary>Of pushed events, that came to their end.</summary>
    public long Replays { get; set; }

    public void Add(SimStatistics other)
    {
        Rows += other.Rows;
        Claims += other.Claims;
        Outward += other.Outward;
        Acknowledged += other.Acknowledged;
        Succeeded += other.Succeeded;
        Ended += other.Ended;
        Faults += other.Faults;
        Forwarded += other.Forwarded;
        Seen += other.Seen;
        Webhooks += other.Webhooks;
        Launches += other.Launches;
        Questions += other.Questions;
        Answers += other.Answers;
        Notified += other.Notified;
        Sets += other.Sets;
        Warnings += other.Warnings;
        Replays += other.Replays;
    }

    public override string ToString() =>
        $"{Rows} rows, {Claims} claims, {Acknowledged} commands, {Forwarded} forwarded, {Succeeded} downloads, {Ended} other ends, {Outward} outward steps, "
        + $"{Seen} events seen, {Webhooks} webhooks, {Launches} launches, {Answers} of {Questions} questions answered, {Notified} ends told, {Sets} sets, {Warnings} warnings, {Replays} replays, {Faults} faults";
}
