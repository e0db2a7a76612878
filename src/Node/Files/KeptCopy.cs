namespace Backhaul.Node.Files;

/// <summary>What a start from a kept part has to go on with.</summary>
/// <param name="Part">A part of its own, with the kept bytes; null when there is none.</param>
/// <param name="WhyNot">A sentence for the task's events.</param>
internal readonly record struct KeptCopy(IPartFile? Part, string? WhyNot)
{
    public static KeptCopy Refused(string why) => new(null, why);
}
