namespace Backhaul.Node.Files;

/// <summary>What became of a part that was to be kept.</summary>
/// <param name="Age">How long it stays, from now on; null when it is not kept.</param>
/// <param name="WhyNot">A sentence for the client.</param>
internal readonly record struct KeepOutcome(TimeSpan? Age, string? WhyNot)
{
    public static KeepOutcome Kept(TimeSpan age) => new(age, null);

    public static KeepOutcome Refused(string why) => new(null, why);
}
