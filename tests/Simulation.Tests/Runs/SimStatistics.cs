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
    }

    public override string ToString() =>
        $"{Rows} rows, {Claims} claims, {Acknowledged} commands, {Forwarded} forwarded, {Succeeded} downloads, {Ended} other ends, {Outward} outward steps, {Faults} faults";
}
