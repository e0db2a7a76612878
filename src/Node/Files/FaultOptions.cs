namespace Backhaul.Node.Files;

/// <summary>Faults on purpose, for tests of recovery. Bound from <c>Backhaul:Faults</c>.</summary>
internal sealed record FaultOptions
{
    /// <summary>A crash point, as <c>publish.rename</c>, or <c>publish.rename:3</c> for the third time it is reached. Null: none.</summary>
    public string? CrashAt { get; init; }

    public IEnumerable<string> Validate()
    {
        if (CrashAt is not null && !CrashPoints.TryParse(CrashAt, out _, out _))
            yield return $"Backhaul:Faults:CrashAt is '{CrashAt}'. It reads name or name:count, for instance publish.rename:3.";
    }
}
