namespace Backhaul.Node.Files.S3;

/// <summary>How long an object store is waited for, and how often it is asked again.</summary>
internal sealed record S3Patience
{
    /// <summary>For an answer without counting the body.</summary>
    public TimeSpan Answer { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A body that moves slower than this is given up.</summary>
    public int BytesPerSecondMin { get; init; } = 128 * 1024;

    /// <summary>After the first try.</summary>
    public int Repetitions { get; init; } = 4;

    /// <summary>Before the first repetition; doubled for each further one.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan PauseMax { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan For(int bodyBytes) => Answer + TimeSpan.FromSeconds((double)bodyBytes / BytesPerSecondMin);
}
