namespace Backhaul.Samples.NightlyDownloads;

/// <summary>No task of a night was taken. Thrown by the delegate, its event comes again, and the night is planned once more.</summary>
internal sealed class NightRefusedException(string message) : Exception(message);
