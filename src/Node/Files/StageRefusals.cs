using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>Why a staged body is not stored, whatever the kind of its container.</summary>
internal static class StageRefusals
{
    public static StageResult.Refused TooLarge(long bytesMax) => new(new Problem
    {
        Status = 413,
        Code = ProblemCodes.BodyTooLarge,
        Detail = $"A file may have at most {bytesMax} bytes (Backhaul:Files:StageBytesMax). Split it, or ask the operator for a higher limit.",
    });

    public static StageResult.Refused Incomplete(long promised, long got) => new(new Problem
    {
        Status = 400,
        Code = ProblemCodes.InvalidField,
        Detail = $"The body ended after {got} bytes and Content-Length promised {promised}. Nothing was stored; send it again.",
        Field = "Content-Length",
    });
}
