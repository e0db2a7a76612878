using System.Globalization;

namespace Backhaul.FaultOrigin.Uploads;

/// <summary>tus 1.0.0.</summary>
internal sealed class TusSpeech : ITargetSpeech
{
    private static readonly (string, string) Version = ("Tus-Resumable", "1.0.0");

    public bool IsTus => true;

    public int NotUnderstood => 412;

    public bool Understands(OriginRequest request, UploadFaults faults) => request.Headers.GetValueOrDefault("Tus-Resumable") == "1.0.0";

    public long? Length(OriginRequest request) => Number(request.Headers.GetValueOrDefault("Upload-Length"));

    public bool IsLast(OriginRequest request, TargetUpload upload) => upload.Offset == upload.Length;

    public IEnumerable<(string Name, string Value)> Abilities(UploadFaults faults)
    {
        yield return Version;
        yield return ("Tus-Version", "1.0.0,0.2.2");
        if (faults.Of("extensions") == "no")
            yield break;
        yield return ("Tus-Extension", "creation,expiration" + (faults.Of("termination") == "no" ? "" : ",termination") + (faults.Of("checksum") is null ? "" : ",checksum"));
        if (faults.Of("checksum") is { } algorithms)
            yield return ("Tus-Checksum-Algorithm", algorithms);
        if (faults.Of("maxsize") is { } most)
            yield return ("Tus-Max-Size", most);
    }

    public IEnumerable<(string Name, string Value)> Plain() => [Version];

    public IEnumerable<(string Name, string Value)> Created(OriginRequest request, UploadFaults faults) => [Version];

    public IEnumerable<(string Name, string Value)> State(TargetUpload upload, long? offset, UploadFaults faults)
    {
        yield return Version;
        if (offset is { } at)
            yield return ("Upload-Offset", Text(at));
        if (upload.Length is { } length)
            yield return ("Upload-Length", Text(length));
    }

    public IEnumerable<(string Name, string Value)> Appended(TargetUpload upload, bool whole, long? offset, bool silent) =>
        offset is { } at ? [Version, ("Upload-Offset", Text(at))] : [Version];

    public (IEnumerable<(string Name, string Value)> Headers, string Body) Mismatch(TargetUpload upload) => ([Version], "");

    internal static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    internal static long? Number(string? text) => text is null ? null : long.Parse(text, CultureInfo.InvariantCulture);
}
