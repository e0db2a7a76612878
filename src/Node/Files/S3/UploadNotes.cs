using System.Text;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// The notes of one task's multipart uploads. A store lists uploads by key at best, and says of none whose it is: so a note lies beside the tree for each, named by
/// the part's birth and its owner's epoch, with the upload id in it. Who tidies up goes by the notes and leaves those of a newer epoch alone; an owner that
/// meets one has lost the task and is told so. An upload whose node died before its note was written has no part yet, and is left to the bucket's
/// lifecycle rule.
/// </summary>
internal sealed class UploadNotes(S3Container container, TaskFiles files)
{
    /// <summary>One for each owner that died between two of its steps.</summary>
    private const int NotesMax = 1000;

    private readonly string _folder = container.NotesOf(HiddenNames.Stem(files.Session, files.Generation, files.Task));

    public async ValueTask<List<PartName>> ListAsync(CancellationToken stop)
    {
        var (reply, objects, _) = await container.Client.ListAsync(_folder, from: null, NotesMax, stop);
        using (reply)
            container.Check(reply, "list the notes of uploads");
        var notes = new List<PartName>();
        foreach (var found in objects)
        {
            if (found.Key.StartsWith(_folder, StringComparison.Ordinal) && PartName.TryParse(found.Key[_folder.Length..], out var note))
                notes.Add(note);
        }
        return notes;
    }

    /// <summary>Makes an upload findable.</summary>
    public async ValueTask WriteAsync(PartName name, string uploadId, PartOwner owner, CancellationToken stop)
    {
        using var reply = await container.Client.PutAsync(_folder + name, Encoding.UTF8.GetBytes(uploadId), birth: null, stop, owner: owner);
        container.Check(reply, "note an upload");
    }

    public async ValueTask RemoveAsync(PartName name, CancellationToken stop)
    {
        using var reply = await container.Client.DeleteAsync(_folder + name, etag: null, stop);
        if (!reply.IsMissing)
            container.Check(reply, "remove the note of an upload");
    }

    /// <summary>Removes the notes that are no newer than an epoch and aborts their uploads.</summary>
    public async ValueTask AbandonAsync(List<PartName> notes, long epoch, CancellationToken stop)
    {
        foreach (var note in notes.Where(note => note.Epoch <= epoch))
        {
            // An owner after this one may have adopted the same upload, and died before it removed the older note.
            if (!notes.Exists(other => other.Epoch > epoch && other.IsSameBirth(note)))
                await AbortAsync(note, stop);
            await RemoveAsync(note, stop);
        }
    }

    /// <summary>Removes the notes that are no newer than an epoch: what they were for is finished.</summary>
    public async ValueTask ForgetAsync(long epoch, CancellationToken stop)
    {
        foreach (var note in await ListAsync(stop))
        {
            if (note.Epoch <= epoch)
                await RemoveAsync(note, stop);
        }
    }

    /// <summary>Throws when a newer owner has the task.</summary>
    public void RefuseNewer(List<PartName> notes, long epoch)
    {
        if (notes.Where(note => note.Epoch > epoch).Select(note => (long?)note.Epoch).FirstOrDefault() is { } newer)
        {
            throw new StorageException(
                StorageFailure.Denied, $"A newer owner (epoch {newer}) has taken over this task's upload in container {container.Name}; this one has epoch {epoch}.");
        }
    }

    private async ValueTask AbortAsync(PartName note, CancellationToken stop)
    {
        using var read = await container.Client.GetTextAsync(_folder + note, stop);
        if (read.IsMissing)
            return;
        container.Check(read, "read the note of an upload");
        using var reply = await container.Client.AbortUploadAsync(container.Key(Place.Of(files)), read.Text, stop);
        // Gone is what was wanted; a store without the operation keeps the parts until its own rule removes them.
        if (!reply.IsNoSuchUpload && !reply.IsUnsupported && !reply.IsMissing)
            container.Check(reply, "abort an upload");
    }
}
