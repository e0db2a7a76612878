using System.Globalization;

namespace Backhaul.FaultOrigin.Uploads;

/// <summary>The resumable-upload draft in one interop version; version 3 turns the word for the end round.</summary>
internal sealed class DraftSpeech(int version) : ITargetSpeech
{
    private (string, string) Version { get; } = ("Upload-Draft-Interop-Version", version.ToString(CultureInfo.InvariantCulture));

    public bool IsTus => false;

    public int NotUnderstood => 400;

    public static DraftSpeech For(string query) =>
        new(int.Parse(UploadFaults.Parse(query).Of("version") ?? "8", CultureInfo.InvariantCulture));

    public bool Understands(OriginRequest request, UploadFaults faults) =>
        request.Headers.GetValueOrDefault(Version.Item1) == Version.Item2 && request.Headers.GetValueOrDefault(version <= 3 ? "Upload-Incomplete" : "Upload-Complete") is not null;

    public long? Length(OriginRequest request) => TusSpeech.Number(request.Headers.GetValueOrDefault("Upload-Length"));

    public bool IsLast(OriginRequest request, TargetUpload upload) =>
        version <= 3 ? request.Headers.GetValueOrDefault("Upload-Incomplete") == "?0" : request.Headers.GetValueOrDefault("Upload-Complete") == "?1";

    public IEnumerable<(string Name, string Value)> Abilities(UploadFaults faults)
    {
        yield return Version;
        yield return ("Accept-Patch", "application/partial-upload");
        if (faults.Of("limits") is { } limits)
            yield return ("Upload-Limit", limits);
    }

    public IEnumerable<(string Name, string Value)> Plain() => [Version];

    public IEnumerable<(string Name, string Value)> Created(OriginRequest request, UploadFaults faults)
    {
        yield return Version;
        if (faults.Of("limits") is { } limits)
            yield return ("Upload-Limit", limits);
    }

    public IEnumerable<(string Name, string Value)> State(TargetUpload upload, long? offset, UploadFaults faults)
    {
        foreach (var header in Created(null!, faults))
            yield return header;
        yield return Whole(upload.IsComplete);
        if (offset is { } at)
            yield return ("Upload-Offset", TusSpeech.Text(at));
        if (upload.Length is { } length)
            yield return ("Upload-Length", TusSpeech.Text(length));
        yield return ("Cache-Control", "no-store");
    }

    public IEnumerable<(string Name, string Value)> Appended(TargetUpload upload, bool whole, long? offset, bool silent)
    {
        yield return Version;
        if (!silent)
            yield return Whole(whole);
        if (offset is { } at)
            yield return ("Upload-Offset", TusSpeech.Text(at));
    }

    public (IEnumerable<(string Name, string Value)> Headers, string Body) Mismatch(TargetUpload upload)
    {
        var problem = upload.IsComplete ? "completed-upload" : "mismatching-upload-offset";
        return (
            [Version, Whole(upload.IsComplete), ("Upload-Offset", TusSpeech.Text(upload.Offset)), ("Content-Type", "application/problem+json")],
            $"{{\"type\":\"https://iana.org/assignments/http-problem-types#{problem}\",\"expected-offset\":{TusSpeech.Text(upload.Offset)}}}");
    }

    private (string, string) Whole(bool whole) =>
        version <= 3 ? ("Upload-Incomplete", whole ? "?0" : "?1") : ("Upload-Complete", whole ? "?1" : "?0");
}
