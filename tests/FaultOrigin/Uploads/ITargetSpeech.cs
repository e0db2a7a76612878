namespace Backhaul.FaultOrigin.Uploads;

/// <summary>The words of one protocol; what is done with an upload is the same for all.</summary>
internal interface ITargetSpeech
{
    bool IsTus { get; }

    /// <summary>The status for a creation in other words.</summary>
    int NotUnderstood { get; }

    bool Understands(OriginRequest request, UploadFaults faults);

    long? Length(OriginRequest request);

    /// <summary>The body of this request is the end of the upload.</summary>
    bool IsLast(OriginRequest request, TargetUpload upload);

    /// <summary>What OPTIONS says.</summary>
    IEnumerable<(string Name, string Value)> Abilities(UploadFaults faults);

    /// <summary>What every answer has.</summary>
    IEnumerable<(string Name, string Value)> Plain();

    IEnumerable<(string Name, string Value)> Created(OriginRequest request, UploadFaults faults);

    IEnumerable<(string Name, string Value)> State(TargetUpload upload, long? offset, UploadFaults faults);

    IEnumerable<(string Name, string Value)> Appended(TargetUpload upload, bool whole, long? offset, bool silent);

    (IEnumerable<(string Name, string Value)> Headers, string Body) Mismatch(TargetUpload upload);
}
