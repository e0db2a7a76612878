using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>What <c>POST …/resume-data</c> left of a download that it cancelled.</summary>
public sealed record ResumeDataView
{
    /// <summary>The task, which has ended as <c>cancelled</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Give it as <c>resumeData</c> of new tasks, any number of them. Null: there is nothing to go on from.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? ResumeData { get; init; }

    /// <summary>Why there is resume data, or none, as a sentence.</summary>
    public required string Why { get; init; }

    /// <summary>Bytes that are kept.</summary>
    public long Bytes { get; init; }

    /// <summary>Length of the file, when it is known.</summary>
    public long? Total { get; init; }

    /// <summary>Until when the part is kept.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
