// @ts-check
/** Calling somebody who looks elsewhere: a sound, a notification, a buzz. All of it only if they asked for it. */

/** @type {AudioContext | undefined} */
let audio;
let wanted = false;

/**
 * Asks for what the browser wants to be asked for, once somebody has clicked.
 * @param {HTMLInputElement} box
 * @param {any} text
 */
export function alertMe(box, text) {
  const label = box.nextElementSibling;
  box.addEventListener('change', async () => {
    wanted = box.checked;
    if (!wanted) return;
    // Only what is started by a click may sound later.
    audio ??= new AudioContext();
    await audio.resume();
    chime(0.08);
    const may = 'Notification' in window ? await Notification.requestPermission() : 'denied';
    if (label) label.textContent = may === 'granted' ? text.alert_on : text.alert_set;
  });
}

/** @param {{title: string, body: string}} words */
export function ring({ title, body }) {
  if (!wanted) return;
  chime(0.3);
  navigator.vibrate?.([200, 100, 200]);
  if (document.visibilityState === 'hidden' && 'Notification' in window && Notification.permission === 'granted') {
    try {
      const shown = new Notification(title, { body, tag: 'sunbeon' });
      shown.onclick = () => {
        window.focus();
        shown.close();
      };
    } catch {
      // Chrome on Android has notifications for service workers only; the sound has to do.
    }
  }
}

/**
 * Two tones, as at a counter.
 * @param {number} volume
 */
function chime(volume) {
  if (!audio) return;
  for (const [pitch, after] of [[784, 0], [1047, 0.18]]) {
    const begin = audio.currentTime + (after ?? 0);
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = pitch ?? 784;
    gain.gain.setValueAtTime(volume, begin);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + 0.6);
    tone.connect(gain).connect(audio.destination);
    tone.start(begin);
    tone.stop(begin + 0.6);
  }
}
